/// Configurations that mean harm: endless, deep, damaged or huge text, and files that are none.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "control/checks.hpp"
#include "control/settings.hpp"

namespace portier::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// "line:column: message" of each fault.
std::vector<std::string> faults_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& fault : parse_settings(text, "").faults) out.push_back(to_text(fault).substr(1));
  return out;
}

/// A configuration with every key there is.
const std::string& everything() {
  static const std::string text = [] {
    std::ifstream file(PORTIER_SOURCE_DIR "/tests/fuzz/corpus/settings/everything.toml");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return text;
}

TEST(HostileText, StartsFromASoundOne) {
  EXPECT_GT(everything().size(), 1000u);
  EXPECT_TRUE(parse_settings(everything(), "everything.toml").settings);
}

TEST(HostileText, NestingIsBoundedWhereverItHides) {
  const auto repeated = [](std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
  };
  const std::size_t deep = 100'000;
  for (const auto& text :
       {"a = " + repeated("[", deep), "a = " + repeated("{a=", deep), repeated("a.", deep) + "a = 1",
        "[" + repeated("a.", deep) + "a]", "[[" + repeated("a . ", deep) + "a]]",
        "a = {" + repeated("a.", deep) + "a = 1}", "a = [\"\"\"x\"\"\"\"\", {" + repeated("a.", deep) + "a=1}]",
        "a = ['''x'''', {" + repeated("a.", deep) + "a=1}]", "a = '\\', \nb = {" + repeated("a.", deep) + "a=1}",
        repeated("\"a\".", deep) + "a = 1", "# \"\"\"\n" + repeated("a.", deep) + "a = 1",
        "a = \"\\\"\"\n" + repeated("a.", deep) + "a = 1"}) {
    EXPECT_THAT(faults_of(text), SizeIs(1)) << text.substr(0, 40);
  }
  // Dots and brackets inside texts and comments are nobody's nesting.
  EXPECT_THAT(
      faults_of("# " + repeated("a.[", deep) + "\n[[service]]\nname = \"a\"\ndeliver = { handler = \"echo\", x = \"" +
                repeated("a.[{", deep) + "\", y = '" + repeated(".[", deep) + "', z = \"\"\"\n" +
                repeated(".[\n", 1000) + "\"\"\" }\nbindings = [" + repeated("\"udp/192.0.2.1:1\", ", 100) + "]\n"),
      IsEmpty());
}

TEST(HostileText, ManyFaultsAreBounded) {
  std::string text = "[router]\n";
  for (int i = 0; i < 200'000; ++i) text += "k" + std::to_string(i) + " = 1\n";
  const auto loaded = parse_settings(text, "x");
  EXPECT_FALSE(loaded.settings);
  EXPECT_LE(loaded.faults.size(), Faults::limit + 1);
}

TEST(HostileText, ControlBytesNeverReachTheTerminal) {
  const auto faults = faults_of("\"\\u001b[2J\" = 1");
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_THAT(faults[0], HasSubstr("unknown key '\\x1b[2J'"));
}

TEST(HostileText, EveryTruncationGivesSettingsOrAFault) {
  const CheckInputs inputs{built_in_handlers(), {0, 1, 2, 3}};
  for (std::size_t length = 0; length <= everything().size(); ++length) {
    const auto loaded = parse_checked(std::string_view(everything()).substr(0, length), "cut", inputs);
    EXPECT_NE(loaded.settings.has_value(), !loaded.faults.empty()) << length;
  }
}

TEST(HostileText, EveryChangedByteGivesSettingsOrAFault) {
  std::mt19937 random(3);
  const CheckInputs inputs{built_in_handlers(), {0, 1}};
  std::string text = everything();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'\0', '"', '[', '.', '\n', '9', static_cast<char>(random() & 0xff)}) {
      const char kept = std::exchange(text[at], byte);
      const auto loaded = parse_checked(text, "changed", inputs);
      EXPECT_NE(loaded.settings.has_value(), !loaded.faults.empty()) << at;
      text[at] = kept;
    }
  }
}

TEST(Limits, DevicesServicesAndBindings) {
  const auto sections = [](const std::string& kind, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      const auto n = std::to_string(i);
      text += kind == "device" ? "[[device]]\nname = \"d" + n + "\"\n"
                               : "[[service]]\nname = \"s" + n + "\"\nbindings = [\"udp/1\"]\ndeliver = \"echo\"\n";
    }
    return text;
  };
  EXPECT_THAT(faults_of(sections("device", 16)), IsEmpty());
  EXPECT_THAT(faults_of(sections("device", 17)),
              ElementsAre("33:1: there are 17 [[device]] sections; at most 16 are possible"));
  EXPECT_THAT(faults_of(sections("service", 4094)), IsEmpty());
  EXPECT_THAT(faults_of(sections("service", 4095)),
              ElementsAre("16377:1: there are 4095 [[service]] sections; at most 4094 are possible"));
}

std::string with_bindings(std::size_t first_count, std::size_t second_count) {
  std::string text;
  std::size_t port = 0;
  for (const auto count : {first_count, second_count}) {
    text += "[[service]]\nname = \"s" + std::to_string(count) + "\"\ndeliver = \"echo\"\nbindings = [\n";
    for (std::size_t i = 0; i < count; ++i, ++port) text += "\"udp/" + std::to_string(port % 65536) + "\",\n";
    text += "]\n";
  }
  return text;
}

TEST(Limits, BindingsOfAllServicesTogether) {
  EXPECT_THAT(faults_of(with_bindings(65'535, 1)), IsEmpty());
  EXPECT_THAT(faults_of(with_bindings(65'535, 2)),
              ElementsAre("65546:1: there are more than 65536 bindings; join neighbouring ports into ranges"));
  EXPECT_THAT(faults_of(with_bindings(65'537, 1)),
              testing::Contains("65541:1: service[].bindings has 65537 items; at most 65536 are possible"));
}

class SettingsFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "portier-settings-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string message(const std::string& path) {
    const auto loaded = load_settings(path);
    EXPECT_FALSE(loaded.settings);
    return loaded.faults.size() == 1 ? to_text(loaded.faults[0]) : "not one fault";
  }

  std::filesystem::path directory_;
};

TEST_F(SettingsFile, IsReadAndNamed) {
  const auto path = (directory_ / "a.toml").string();
  std::ofstream(path) << "[router]\nburst = 3\n";
  const auto loaded = load_settings(path);
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->router.burst, 3);
  EXPECT_EQ(loaded.settings->file, path);
}

TEST_F(SettingsFile, ThatIsNoFileIsAFaultAndNeverWaits) {
  const auto missing = (directory_ / "missing").string();
  EXPECT_EQ(message(missing), missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(message(directory_.string()), directory_.string() + ": is a directory; name a file in it");
  const auto fifo = (directory_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(message(fifo), fifo + ": is not a regular file; name one, or pipe it in and name -");
  EXPECT_THAT(message("/dev/zero"), HasSubstr("is not a regular file"));
  EXPECT_THAT(message(""), HasSubstr("no file is named"));
  EXPECT_THAT(message(std::string("a\0b", 3)), HasSubstr("no file is named"));
  EXPECT_THAT(message(std::string(100'000, 'x')), HasSubstr("cannot be opened: File name too long"));
  const auto loop = (directory_ / "loop").string();
  std::filesystem::create_symlink("loop", loop);
  EXPECT_THAT(message(loop), HasSubstr("cannot be opened"));
}

TEST_F(SettingsFile, UnreadableIsAFault) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const auto path = (directory_ / "a.toml").string();
  std::ofstream(path) << "";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_THAT(message(path), HasSubstr("cannot be opened: Permission denied"));
}

TEST_F(SettingsFile, LargerThan16MiBIsNotRead) {
  const auto path = (directory_ / "large.toml").string();
  std::ofstream(path) << "";
  std::filesystem::resize_file(path, (16u << 20) + 1);
  EXPECT_THAT(message(path), HasSubstr("larger than 16 MiB"));
}

TEST_F(SettingsFile, DashIsStandardInput) {
  const auto path = (directory_ / "a.toml").string();
  std::ofstream(path) << "[router]\nburst = 99\n";
  const int kept = dup(STDIN_FILENO);
  const int file = open(path.c_str(), O_RDONLY);
  ASSERT_EQ(dup2(file, STDIN_FILENO), STDIN_FILENO);
  const auto said = message("-");
  if (kept >= 0) dup2(kept, STDIN_FILENO);
  close(kept);
  close(file);
  EXPECT_THAT(said, HasSubstr("(standard input):2:9: router.burst cannot be 99"));
}

}  // namespace
}  // namespace portier::control
