/// Capture files as data: sound ones, odd ones and broken ones, and how many packets each must yield.
#include "control/capture_reader.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace portier::control {
namespace {

using Next = CaptureReader::Next;

/// A file under construction: integers in the byte order that was chosen.
class File {
 public:
  explicit File(bool big_endian = false) : big_endian_(big_endian) {}

  File& u16(std::uint16_t value) { return integer(value, 2); }
  File& u32(std::uint32_t value) { return integer(value, 4); }
  File& fill(std::size_t count, std::uint8_t value = 0xab) {
    bytes_.insert(bytes_.end(), count, value);
    return *this;
  }
  File& pad() { return fill((4 - bytes_.size() % 4) % 4, 0); }
  File& join(const File& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }

  // ---- pcap ----
  File& pcap_head(std::uint32_t magic = 0xa1b2c3d4, std::uint32_t link = 1, std::uint32_t snap = 65535) {
    return u32(magic).u16(2).u16(4).u32(0).u32(0).u32(snap).u32(link);
  }
  File& record(std::uint32_t length, std::uint32_t fraction = 0) { return record(length, length, fraction, length); }
  File& record(std::uint32_t captured, std::uint32_t wire, std::uint32_t fraction, std::size_t present) {
    return u32(1).u32(fraction).u32(captured).u32(wire).fill(present);
  }

  // ---- pcapng ----
  File& block(std::uint32_t type, const File& body) {
    const auto length = static_cast<std::uint32_t>(body.bytes_.size() + 12);
    return u32(type).u32(length).join(body).u32(length);
  }
  File& section(std::uint16_t major = 1, std::uint16_t minor = 0, std::uint32_t magic = 0x1a2b3c4d) {
    return block(0x0a0d0d0a, part().u32(magic).u16(major).u16(minor).u32(0xffffffff).u32(0xffffffff));
  }
  File& interface(std::uint16_t link = 1, std::uint32_t snap = 0) {
    return block(1, part().u16(link).u16(0).u32(snap));
  }
  File& interface_with(std::uint16_t option, const File& value, std::uint16_t link = 1) {
    const auto length = static_cast<std::uint16_t>(value.bytes_.size());
    return block(1, part().u16(link).u16(0).u32(0).u16(option).u16(length).join(value).pad().u16(0).u16(0));
  }
  File& enhanced(std::uint32_t interface, std::uint32_t captured, std::uint32_t wire, std::size_t present,
                 std::uint64_t ticks = 0) {
    const auto high = static_cast<std::uint32_t>(ticks >> 32);
    const auto low = static_cast<std::uint32_t>(ticks);
    return block(6, part().u32(interface).u32(high).u32(low).u32(captured).u32(wire).fill(present).pad());
  }
  File& simple(std::uint32_t wire, std::size_t present) { return block(3, part().u32(wire).fill(present).pad()); }

  File part() const { return File(big_endian_); }
  File cut(std::size_t length) const {
    File shorter = *this;
    shorter.bytes_.resize(length);
    return shorter;
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  File& integer(std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian_ ? size - 1 - i : i);
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    return *this;
  }

  std::vector<std::uint8_t> bytes_;
  bool big_endian_;
};

struct Seen {
  std::vector<std::size_t> lengths;
  std::vector<std::uint32_t> wire_lengths;
  std::vector<std::uint64_t> times_ns;
  std::vector<std::uint16_t> link_types;
  bool clean = false;
  std::string problem;
};

Seen drain(CaptureReader reader) {
  Seen seen;
  CapturedPacket packet;
  auto next = reader.next(packet);
  for (; next == Next::packet; next = reader.next(packet)) {
    EXPECT_GE(packet.wire_length, packet.bytes.size());
    seen.lengths.push_back(packet.bytes.size());
    seen.wire_lengths.push_back(packet.wire_length);
    seen.times_ns.push_back(packet.time_ns);
    seen.link_types.push_back(packet.link_type);
  }
  seen.clean = next == Next::end;
  seen.problem = reader.problem();
  EXPECT_EQ(seen.clean, seen.problem.empty()) << seen.problem;
  EXPECT_EQ(reader.next(packet), next) << "the end must stay the end";
  return seen;
}

Seen drain(const File& file) { return drain(CaptureReader::over(file.bytes())); }

struct Case {
  std::string name;
  File file;
  std::size_t packets;
  std::string problem = {};  ///< empty: the file must end cleanly; otherwise a part of the sentence

  friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }
};

File le() { return File(false); }
File be() { return File(true); }
File two_records(std::uint32_t captured_of_second) {
  return le().pcap_head().record(60).record(captured_of_second, captured_of_second, 0, 60);
}
File sound_ng() { return le().section().interface().enhanced(0, 60, 60, 60); }
/// A second packet block that is sound except for its length.
File second_block_length(std::uint32_t length) {
  return sound_ng().u32(6).u32(length).fill(12, 0).u32(60).u32(60).fill(60).u32(length);
}

std::vector<Case> cases() {
  std::vector<Case> all{
      {"little_endian", le().pcap_head().record(60).record(61).record(9000), 3},
      {"big_endian", be().pcap_head().record(60).record(61), 2},
      {"nanoseconds", le().pcap_head(0xa1b23c4d).record(60), 1},
      {"big_endian_nanoseconds", be().pcap_head(0xa1b23c4d).record(60), 1},
      {"fcs_bits", le().pcap_head(0xa1b2c3d4, 0x44000001).record(60), 1},
      {"snap_length_0", le().pcap_head(0xa1b2c3d4, 1, 0).record(60), 1},
      {"no_packets", le().pcap_head(), 0},
      {"zero_length", le().pcap_head().record(0).record(60), 2},
      {"captured_above_wire", le().pcap_head().record(60, 10, 0, 60).record(60), 2},
      {"wire_0", le().pcap_head().record(60, 0, 0, 60).record(60), 2},
      {"odd_fraction", le().pcap_head().record(60, 0xffffffff).record(60), 2},
      {"above_snap_length", le().pcap_head(0xa1b2c3d4, 1, 16).record(60), 1},
      {"largest", le().pcap_head().record(262144), 1},
      {"empty_file", le(), 0, "empty"},
      {"no_magic", le().u32(0x12345678).fill(40), 0, "neither a pcap nor a pcapng"},
      {"kuznetzov", le().pcap_head(0xa1b2cd34).record(60), 0, "Kuznetzov"},
      {"kuznetzov_big_endian", be().pcap_head(0xa1b2cd34).record(60), 0, "Kuznetzov"},
      {"version_1", le().u32(0xa1b2c3d4).u16(1).u16(4).fill(16, 0), 0, "version 1.4"},
      {"version_2_5", le().u32(0xa1b2c3d4).u16(2).u16(5).fill(16, 0), 0, "version 2.5"},
      {"reserved_link_bits", le().pcap_head(0xa1b2c3d4, 0x00300001), 0, "reserved"},
      {"too_long_by_one", two_records(262145), 1, "262145 captured bytes"},
      {"length_4g", two_records(0xffffffff), 1, "4294967295 captured bytes"},
      {"length_2g", two_records(0x80000000), 1, "captured bytes"},
      {"length_minus_16", two_records(0xfffffff0), 1, "captured bytes"},
      {"second_cut", two_records(61), 1, "60 of 61 bytes"},

      {"ng", sound_ng().enhanced(0, 42, 42, 42), 2},
      {"ng_big_endian", be().section().interface().enhanced(0, 60, 60, 60), 1},
      {"ng_two_byte_orders", sound_ng().join(be().section().interface().enhanced(0, 61, 61, 61)), 2},
      {"ng_simple", le().section().interface().simple(60, 60).simple(59, 59), 2},
      {"ng_simple_snapped", le().section().interface(1, 32).simple(60, 32), 1},
      {"ng_obsolete", le().section().interface().block(2, le().u16(0).u16(9).fill(8).u32(4).u32(4).fill(4)), 1},
      {"ng_unknown_block", le().section().interface().block(0x0bad0bad, le().fill(20)).enhanced(0, 60, 60, 60), 1},
      {"ng_captured_above_wire", le().section().interface().enhanced(0, 60, 10, 60), 1},
      {"ng_version_1_2", le().section(1, 2).interface().enhanced(0, 60, 60, 60), 1},
      {"ng_only_section", le().section(), 0},
      {"ng_new_section_forgets_interfaces", sound_ng().section().enhanced(0, 60, 60, 60), 1, "interface 0"},
      {"ng_no_interface", le().section().enhanced(0, 60, 60, 60), 0, "interface 0, and the section has 0"},
      {"ng_simple_no_interface", le().section().simple(60, 60), 0, "before the first interface"},
      {"ng_wrong_interface", sound_ng().enhanced(7, 60, 60, 60), 1, "interface 7, and the section has 1"},
      {"ng_length_0", second_block_length(0), 1, "block of 0 bytes"},
      {"ng_length_8", second_block_length(8), 1, "block of 8 bytes"},
      {"ng_length_13", second_block_length(13), 1, "block of 13 bytes"},
      {"ng_length_4g", second_block_length(0xfffffffc), 1, "ends inside a block"},
      {"ng_unknown_4g", sound_ng().u32(0x0bad0bad).u32(0xfffffffc).fill(84), 1, "ends inside a block"},
      {"ng_packet_too_short", sound_ng().block(6, le().fill(16, 0)), 1, "too short"},
      {"ng_captured_beyond", sound_ng().enhanced(0, 100000, 100000, 60), 1, "too short"},
      {"ng_captured_beyond_by_1", sound_ng().enhanced(0, 5, 5, 4), 1, "too short"},
      {"ng_captured_huge", sound_ng().enhanced(0, 0xffffffff, 60, 60), 1, "captured bytes"},
      {"ng_simple_beyond", le().section().interface().simple(61, 60), 0, "too short"},
      {"ng_trailer", sound_ng().u32(0x0bad0bad).u32(12).u32(16), 1, "12 bytes at its head and 16 at its end"},
      {"ng_no_byte_order", le().section(1, 0, 0x11223344), 0, "byte-order"},
      {"ng_version_0_1", le().section(0, 1), 0, "version 0.1"},
      {"ng_version_1_1", le().section(1, 1), 0, "version 1.1"},
      {"ng_section_too_short", le().u32(0x0a0d0d0a).u32(24).u32(0x1a2b3c4d).fill(40, 0), 0, "section header of 24"},
      {"ng_option_too_long", le().section().block(1, le().fill(8, 0).u16(2).u16(400).fill(8)), 0, "option is longer"},
  };
  File many = le().section();
  for (std::uint16_t i = 0; i < 300; ++i) many.interface(i);
  all.push_back({"ng_300_interfaces", many.enhanced(299, 60, 60, 60), 1});

  const auto pcap = le().pcap_head().record(60).record(60);
  for (const std::size_t length : {1, 2, 3, 4, 5, 8, 20, 23, 25, 39, 40, 41, 99}) {
    all.push_back({"cut_" + std::to_string(length), pcap.cut(length), 0, "ends inside"});
  }
  const auto ng = sound_ng();
  for (const std::size_t length : {1, 4, 8, 12, 20, 27, 30, 40, 47, 50, 60, 75, 100, 139}) {
    all.push_back({"ng_cut_" + std::to_string(length), ng.cut(length), 0, "ends inside"});
  }
  for (const std::size_t length : {28, 48}) all.push_back({"ng_cut_" + std::to_string(length), ng.cut(length), 0});
  return all;
}

class CaptureFile : public testing::TestWithParam<Case> {};

TEST_P(CaptureFile, YieldsItsPacketsAndSaysHowItEnds) {
  const auto& expected = GetParam();
  const auto seen = drain(expected.file);
  EXPECT_EQ(seen.lengths.size(), expected.packets);
  EXPECT_EQ(seen.clean, expected.problem.empty()) << seen.problem;
  EXPECT_NE(seen.problem.find(expected.problem), std::string::npos) << seen.problem;
}

INSTANTIATE_TEST_SUITE_P(All, CaptureFile, testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(CaptureReader, GivesLengthsTimesAndLinkTypes) {
  const auto seen = drain(be().pcap_head(0xa1b2c3d4, 0x40000071).record(3, 1500, 7, 3));
  ASSERT_TRUE(seen.clean);
  EXPECT_EQ(seen.lengths, std::vector<std::size_t>{3});
  EXPECT_EQ(seen.wire_lengths, std::vector<std::uint32_t>{1500});
  EXPECT_EQ(seen.times_ns, std::vector<std::uint64_t>{1'000'007'000});
  EXPECT_EQ(seen.link_types, std::vector<std::uint16_t>{113});
}

TEST(CaptureReader, RaisesTheWireLengthToWhatWasCaptured) {
  const auto seen = drain(le().pcap_head().record(60, 10, 0, 60));
  EXPECT_EQ(seen.wire_lengths, std::vector<std::uint32_t>{60});
}

TEST(CaptureReader, KnowsEachInterface) {
  const auto value = [](std::uint8_t resolution) { return le().fill(1, resolution); };
  const auto file = le().section()
                        .interface(1)
                        .interface_with(9, value(9), 113)
                        .interface_with(9, value(0x80 | 10), 228)
                        .interface_with(9, value(12), 0)
                        .interface_with(14, le().u32(100).u32(0), 276)
                        .interface_with(9, value(0x7f))
                        .interface_with(9, value(0xff))
                        .interface_with(9, value(0))
                        .enhanced(0, 1, 1, 1, 5'000'001)
                        .enhanced(1, 1, 1, 1, 5'000'000'001)
                        .enhanced(2, 1, 1, 1, 1536)
                        .enhanced(3, 1, 1, 1, 5'000'000'001'999)
                        .enhanced(4, 1, 1, 1, 1)
                        .enhanced(5, 1, 1, 1, ~std::uint64_t{0})
                        .enhanced(6, 1, 1, 1, ~std::uint64_t{0})
                        .enhanced(7, 1, 1, 1, ~std::uint64_t{0});
  const auto seen = drain(file);
  ASSERT_TRUE(seen.clean) << seen.problem;
  EXPECT_EQ(seen.link_types, (std::vector<std::uint16_t>{1, 113, 228, 0, 276, 1, 1, 1}));
  EXPECT_EQ(seen.times_ns, (std::vector<std::uint64_t>{5'000'001'000, 5'000'000'001, 1'500'000'000, 5'000'000'001,
                                                       100'000'001'000, 0, 0, ~std::uint64_t{0}}));
}

TEST(CaptureReader, RefusesMoreThan65536Interfaces) {
  File file = le().section();
  for (int i = 0; i < 65'536; ++i) file.interface();
  EXPECT_TRUE(drain(file).clean);
  EXPECT_FALSE(drain(file.interface()).clean);
}

TEST(CaptureReader, EveryCutEndsAndNeverAddsPackets) {
  const auto whole = sound_ng().enhanced(0, 42, 42, 42).join(be().section().interface(1, 30).simple(60, 30));
  for (std::size_t length = 0; length <= whole.bytes().size(); ++length) {
    const auto seen = drain(whole.cut(length));
    EXPECT_LE(seen.lengths.size(), 3U);
    if (length == whole.bytes().size()) {
      EXPECT_TRUE(seen.clean);
      EXPECT_EQ(seen.lengths.size(), 3U);
    }
  }
}

class CaptureReaderFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "portier-capture-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(CaptureReaderFiles, ReadsAFileAndNamesItInTheProblem) {
  const auto path = folder_ / "cut.pcap";
  const auto file = two_records(61);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.bytes().data()), static_cast<std::streamsize>(file.bytes().size()));
  const auto seen = drain(CaptureReader::open(path.string()));
  EXPECT_EQ(seen.lengths.size(), 1U);
  EXPECT_EQ(seen.problem, path.string() + ": byte 100: the file ends inside a packet (60 of 61 bytes)");
}

TEST_F(CaptureReaderFiles, RefusesWhatIsNotAFile) {
  const auto fifo = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(drain(CaptureReader::open(fifo.string())).problem.find("not a regular file"), std::string::npos);
  EXPECT_NE(drain(CaptureReader::open(folder_.string())).problem.find("is a directory"), std::string::npos);
  EXPECT_NE(drain(CaptureReader::open("/dev/null")).problem.find("not a regular file"), std::string::npos);
  EXPECT_NE(drain(CaptureReader::open((folder_ / "none").string())).problem.find("No such file"), std::string::npos);
}

TEST_F(CaptureReaderFiles, SaysThatAFileIsUnreadable) {
  const auto path = folder_ / "secret";
  std::ofstream(path) << "x";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  // Root may read every file, so root becomes somebody else for the moment.
  const auto user = ::geteuid();
  if (user == 0) {
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
    ASSERT_EQ(::seteuid(65534), 0);
  }
  auto reader = CaptureReader::open(path.string());
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_NE(drain(std::move(reader)).problem.find("Permission denied"), std::string::npos);
}

/// A collection of real captures that may lie beside the source tree: its MANIFEST.tsv and expect.jsonl say what to
/// see.
std::filesystem::path collection() {
  if (const char* named = std::getenv("PORTIER_CAPTURES"); named != nullptr) return named;
  return std::filesystem::path(PORTIER_SHARED_DIR) / "captures";
}

TEST(CaptureReaderCollection, ReadsEveryRealCapture) {
  std::ifstream manifest(collection() / "MANIFEST.tsv");
  if (!manifest) GTEST_SKIP() << "no captures in " << collection() << "; PORTIER_CAPTURES names another folder";
  std::string line;
  std::getline(manifest, line);  // column names
  while (std::getline(manifest, line)) {
    std::istringstream columns(line);
    std::string file, bytes, packets, links;
    columns >> file >> bytes >> packets >> links;
    const auto seen = drain(CaptureReader::open((collection() / file).string()));
    EXPECT_TRUE(seen.clean) << seen.problem;
    EXPECT_EQ(seen.lengths.size(), std::stoul(packets)) << file;
    std::vector<std::uint16_t> expected;
    for (std::istringstream list(links); std::getline(list, line, ',');) {
      expected.push_back(static_cast<std::uint16_t>(std::stoul(line)));
    }
    for (const auto link : seen.link_types) {
      EXPECT_NE(std::find(expected.begin(), expected.end(), link), expected.end()) << file << ": " << link;
    }
  }
}

TEST(CaptureReaderCollection, EndsBadFilesWhereExpected) {
  const auto folder = collection() / "badfiles";
  std::ifstream expectations(folder / "generated" / "expect.jsonl");
  if (!expectations) GTEST_SKIP() << "no bad files in " << folder << "; PORTIER_CAPTURES names another folder";
  for (std::string line; std::getline(expectations, line);) {
    const auto expected = nlohmann::json::parse(line);
    const auto file = expected["file"].get<std::string>();
    const auto seen = drain(CaptureReader::open((folder / "generated" / file).string()));
    EXPECT_EQ(seen.lengths.size(), expected["packets"].get<std::size_t>()) << file << ": " << seen.problem;
    // A link type that is not supported is the business of whoever looks at the packets.
    if (file != "bad-link.pcap") {
      EXPECT_EQ(seen.clean, expected["clean"].get<bool>()) << file << ": " << seen.problem;
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const bool is_empty_capture = entry.path().filename().string().find("empty") != std::string::npos;
    EXPECT_EQ(drain(CaptureReader::open(entry.path().string())).clean, is_empty_capture) << entry.path();
  }
}

}  // namespace
}  // namespace portier::control
