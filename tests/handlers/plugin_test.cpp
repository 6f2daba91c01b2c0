// Plug-ins in the hands of the router: what is refused and in which words, and every call of the C interface.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "datapath/burst.hpp"
#include "datapath/delivery_fixture.hpp"
#include "datapath/handler.hpp"
#include "handlers/registry.hpp"
#include "plugins/plugin_log.hpp"

namespace portier::handlers {
namespace {

using packet::Reason;
using traffic::frame;
using traffic::Frame;
using Options = std::map<std::string, std::string>;

const auto peer4 = traffic::v4(198, 51, 100, 7);
const auto ours4 = traffic::v4(192, 0, 2, 1);
const auto peer6 = traffic::v6(0x20010db8'00000007, 7);
const auto ours6 = traffic::v6(0x20010db8'00000000, 1);

class PluginTest : public datapath::OutboxOverRings {
 protected:
  static std::unique_ptr<datapath::Handler> make(const Options& options, const std::string& directory = {}) {
    datapath::HandlerContext context;
    context.service = "dns";
    context.worker = 3;
    context.options = options;
    context.directory = directory;
    return (*Registry::with_builtins().find("plugin"))(context);
  }
  std::unique_ptr<datapath::Handler> scripted(const std::string& act) {
    return make({{"plugin", test::plugin_path("scripted")}, {"options.log", log_.path()}, {"options.act", act}});
  }
  static std::string refusal(const Options& options, const std::string& directory = {}) {
    try {
      make(options, directory);
    } catch (const std::invalid_argument& fault) {
      return fault.what();
    }
    return "(none)";
  }

  /// What became of each frame; what was sent is in `sent`.
  std::vector<Reason> run(datapath::Handler& handler, const std::vector<Frame>& frames) {
    std::vector<std::vector<std::uint8_t>> slots;
    std::vector<const std::uint8_t*> starts;
    for (const auto& bytes : frames) {
      const auto facts = packet::parse(bytes);
      const auto head = datapath::slot_head(facts, static_cast<std::uint32_t>(bytes.size()), 1);
      const auto slot = crosscore::make_facts(7, 0, head, 4);
      slots.emplace_back(sizeof slot + bytes.size());
      std::memcpy(slots.back().data(), &slot, sizeof slot);
      std::memcpy(slots.back().data() + sizeof slot, bytes.data(), bytes.size());
      starts.push_back(slots.back().data() + sizeof slot);
    }
    const datapath::PacketRows packets(starts.data());
    datapath::Burst burst(packets, datapath::first_rows(frames.size()), *outbox_, 16);
    handler.on_burst(burst);
    outbox_->commit();
    outbox_->flush();
    std::vector<Reason> reasons;
    for (std::size_t i = 0; i < frames.size(); ++i) reasons.push_back(burst.refused(i));
    return reasons;
  }

  test::PluginLog log_;
};

Frame udp4(std::size_t payload) { return frame().ipv4(peer4, ours4).udp(40000, 53).payload(payload).build(); }

TEST_F(PluginTest, WhatIsNoPluginIsRefusedInWords) {
  const auto says = [](const char* name) { return refusal({{"plugin", test::plugin_path(name)}}); };
  EXPECT_EQ(says("other_abi"), "plug-in \"" + test::plugin_path("other_abi") +
                                   "\" was built for version 2 of the plug-in interface, and this portier has version "
                                   "1; build it anew with this portier's portier_plugin.h");
  EXPECT_NE(says("other_size").find("has a struct portier_plugin of "), std::string::npos);
  EXPECT_NE(says("nameless").find("does not export the function portier_plugin"), std::string::npos);
  EXPECT_NE(says("silent").find("returned NULL"), std::string::npos);
  EXPECT_NE(says("no_burst").find("lacks a name or on_burst"), std::string::npos);
  EXPECT_NE(says("missing").find("cannot be found: No such file or directory"), std::string::npos);
  EXPECT_EQ(says("stateless"), "(none)");
}

TEST_F(PluginTest, WhatIsNoSharedObjectIsRefusedInWords) {
  EXPECT_NE(refusal({{"plugin", "/"}}).find("is not a file"), std::string::npos);
  EXPECT_NE(refusal({{"plugin", "/dev/null"}}).find("is not a file"), std::string::npos);
  const auto text = log_.path() + ".so";
  std::ofstream(text) << "no shared object";
  EXPECT_NE(refusal({{"plugin", text}}).find("cannot be loaded: "), std::string::npos);
  std::filesystem::remove(text);
  EXPECT_EQ(refusal({}), "target \"plugin\" needs a path; write { plugin = \"a/path\" }");
  EXPECT_EQ(refusal({{"plugin", ""}}), refusal({}));
  EXPECT_EQ(refusal({{"plugin", "x"}, {"colour", "blue"}}),
            "a plug-in has no option \"colour\"; what is meant for the plug-in itself belongs in options = {...}");
}

TEST_F(PluginTest, RelativePathsStartInTheFolderOfTheConfiguration) {
  const std::filesystem::path path(test::plugin_path("stateless"));
  EXPECT_EQ(refusal({{"plugin", path.filename()}}, path.parent_path()), "(none)");
  EXPECT_NE(refusal({{"plugin", path.filename()}}, "/").find("cannot be found"), std::string::npos)
      << "neither the working directory nor the loader's folders are searched";
}

TEST_F(PluginTest, InitRefusesWithItsOwnSentence) {
  const auto path = test::plugin_path("scripted");
  const auto says = [&](const std::string& fail) {
    return refusal({{"plugin", path}, {"options.log", log_.path()}, {"options.fail", fail}});
  };
  EXPECT_EQ(says("no\nroom"), "plug-in \"" + path + "\" refuses to start: no room");
  EXPECT_EQ(says("silent"), "plug-in \"" + path + "\" refuses to start: gave no reason");
  EXPECT_EQ(says("throw"), "plug-in \"" + path + "\" threw an exception in init");
  EXPECT_EQ(says(std::string(2000, 'x')).size(),
            says("").size() + ("plug-in \"" + path + "\" refuses to start: ").size() + 511 - 6);
  EXPECT_EQ(log_.count("close"), 1U) << "only what was made is closed: the one without a fault";
}

TEST_F(PluginTest, OptionsOfAnyNameArePassedOn) {
  {
    const auto handler = make({{"plugin", test::plugin_path("scripted")},
                               {"options.log", log_.path()},
                               {"options.act", "take"},
                               {"options.size", "3"},
                               {"options.anything", "true"}});
    EXPECT_EQ(run(*handler, {udp4(4)}), std::vector{Reason::none});
  }
  EXPECT_EQ(log_.lines(), (std::vector<std::string>{"init dns 3 act=take anything=true size=3", "close take"}));
}

TEST_F(PluginTest, PacketsAreDescribed) {
  const auto handler = scripted("facts");
  run(*handler, {udp4(4), frame().vlan(5).ipv6(peer6, ours6).udp(1, 2).build(),
                 frame().ipv4(peer4, ours4).tcp(1, 2).payload(3).build(),
                 frame().ipv4(peer4, ours4).fragment(0, true, 1).udp(1, 2).payload(8).build(),
                 frame().ipv4(peer4, ours4).fragment(16, false, 1).raw(17).payload(8).build(),
                 frame().ipv4(peer4, ours4).icmp_error(3, 3, udp4(0)).build()});
  const auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[1], "packet v4 proto 17 l3 14 l4 34 length 46 payload 4 at 42 device 1 flags 0");
  EXPECT_EQ(lines[2], "packet v6 proto 17 l3 18 l4 58 length 66 payload 0 at 0 device 1 flags 0");
  EXPECT_EQ(lines[3], "packet v4 proto 6 l3 14 l4 34 length 57 payload 3 at 54 device 1 flags 0");
  EXPECT_EQ(lines[4], "packet v4 proto 17 l3 14 l4 34 length 50 payload 8 at 42 device 1 flags 1");
  EXPECT_EQ(lines[5], "packet v4 proto 17 l3 14 l4 34 length 42 payload 8 at 34 device 1 flags 2");
  EXPECT_EQ(lines[6].substr(0, 23), "packet v4 proto 1 l3 14");
  EXPECT_EQ(lines[6].substr(lines[6].size() - 7), "flags 4");
}

TEST_F(PluginTest, RefusedPacketsHaveTheirOwnName) {
  EXPECT_EQ(run(*scripted("refuse"), {udp4(1), udp4(2)}),
            (std::vector{Reason::plugin_refused, Reason::plugin_refused}));
  EXPECT_EQ(run(*make({{"plugin", test::plugin_path("stateless")}}), {udp4(1)}), std::vector{Reason::none});
}

TEST_F(PluginTest, AnswersHaveTheirHeadersMade) {
  const auto lite = frame().vlan(7).ipv4(peer4, ours4).udplite(40000, 53).payload(5).build();
  const std::vector<Frame> asked{udp4(20), frame().ipv6(peer6, ours6).udp(40000, 53).payload(9).build(), lite};
  run(*scripted("answer"), asked);
  const auto answers = sent(1);
  ASSERT_EQ(answers.size(), 3U);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto facts = packet::parse(answers[i]);
    EXPECT_EQ(facts.reason, Reason::none) << i;
    EXPECT_EQ(facts.src_port, 53) << i;
    EXPECT_EQ(facts.dst_port, 40000) << i;
    EXPECT_EQ(answers[i].size(), asked[i].size()) << "the payload has come back whole";
  }
}

TEST_F(PluginTest, NotEverythingIsAnswered) {
  const auto reasons =
      run(*scripted("answer"), {frame().ipv4(peer4, ours4).tcp(1, 2).payload(3).build(),
                                frame().ipv4(peer4, ours4).fragment(0, true, 1).udp(1, 2).payload(8).build(),
                                frame().ipv4(peer4, ours4).fragment(16, false, 1).raw(17).payload(8).build(),
                                frame().ipv4(peer4, ours4).icmp_error(3, 3, udp4(0)).build(),
                                frame().ipv4(peer4, traffic::v4(224, 0, 0, 1)).udp(40000, 53).build()});
  EXPECT_EQ(reasons, std::vector<Reason>(5, Reason::none));
  EXPECT_TRUE(sent(1).empty());
}

TEST_F(PluginTest, RepliesAreTrimmedAndCancelled) {
  const std::vector<Frame> asked{udp4(20), udp4(0)};
  run(*scripted("reply"), asked);
  EXPECT_EQ(sent(1), asked);
}

TEST_F(PluginTest, ArgumentsOutOfRangeDoNothing) {
  EXPECT_EQ(run(*scripted("beyond"), {udp4(20), udp4(0)}), (std::vector{Reason::none, Reason::none}));
  EXPECT_TRUE(sent(1).empty());
}

TEST_F(PluginTest, AnExceptionOfAnyTypeComesThrough) {
  const auto handler = scripted("throw");
  EXPECT_THROW(run(*handler, {udp4(1)}), int);
  outbox_->rollback();
  EXPECT_TRUE(sent(1).empty());
}

}  // namespace
}  // namespace portier::handlers
