/// A plug-in in C++ that does what its options say, and writes down in the file of option `log` what is done to it.
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

#include "portier_plugin.h"

namespace {

struct Scripted {
  std::string log;
  std::string act;
};

/// One line, appended at once: several states write.
void note(const std::string& log, const std::string& line) {
  if (auto* file = std::fopen(log.c_str(), "a")) {
    std::fputs((line + "\n").c_str(), file);
    std::fclose(file);
  }
}

void* init(const portier_plugin_setup* setup) {
  std::map<std::string, std::string> options;
  std::string line = "init " + std::string(setup->service) + " " + std::to_string(setup->worker);
  for (std::size_t i = 0; i < setup->option_count; ++i) {
    options.emplace(setup->options[i].key, setup->options[i].value);
    if (std::strcmp(setup->options[i].key, "log") != 0) {
      line += " " + std::string(setup->options[i].key) + "=" + setup->options[i].value;
    }
  }
  if (setup->is_trial != 0) line += " trial";
  note(options["log"], line);
  if (const auto& fail = options["fail"]; fail == "silent") return nullptr;
  else if (fail == "throw") throw std::runtime_error("in init");
  else if (!fail.empty()) {
    std::snprintf(setup->error, setup->error_size, "%s", fail.c_str());
    return nullptr;
  }
  return new Scripted{options["log"], options["act"]};
}

void on_burst(void* state, const portier_plugin_burst* burst) {
  const auto& act = static_cast<Scripted*>(state)->act;
  const auto& calls = *burst->calls;
  for (std::size_t i = 0; i < burst->count; ++i) {
    const auto& packet = burst->packets[i];
    if (act == "refuse") calls.refuse(burst, i);
    else if (act == "answer") calls.answer(burst, i, packet.payload, packet.payload_length);
    else if (act == "reply") {
      if (auto* out = calls.reply(burst, i, packet.length + 10)) {
        std::memcpy(out, packet.frame, packet.length);
        calls.trim(burst, packet.length);
      }
      if (calls.reply(burst, i, 60) != nullptr) calls.cancel(burst);
    } else if (act == "throw") {
      if (auto* out = calls.reply(burst, i, 60)) std::memset(out, 0, 60);
      throw 7;  // not even a std::exception
    } else if (act == "beyond") {
      calls.refuse(burst, burst->count);
      calls.cancel(burst);
      calls.trim(burst, 1);
      if (calls.reply(burst, burst->count, 60) != nullptr || calls.reply(burst, i, 0) != nullptr ||
          calls.reply(burst, i, 9729) != nullptr || calls.answer(burst, burst->count, "", 0) != 0 ||
          calls.answer(burst, i, nullptr, 1) != 0 || calls.answer(burst, i, "", std::size_t(-1)) != 0) {
        calls.refuse(burst, i);
      }
    } else if (act == "facts") {
      char line[200];
      std::snprintf(line, sizeof line, "packet v%u proto %u l3 %u l4 %u length %u payload %u at %ld device %u flags %u",
                    packet.ip_version, packet.proto, packet.l3_offset, packet.l4_offset, packet.length,
                    packet.payload_length, static_cast<long>(packet.payload - packet.frame), packet.device,
                    packet.flags);
      note(static_cast<Scripted*>(state)->log, line);
    }
  }
}

void close(void* state) {
  auto* scripted = static_cast<Scripted*>(state);
  note(scripted->log, "close " + scripted->act);
  delete scripted;
}

constexpr struct portier_plugin scripted { PORTIER_PLUGIN_ABI, sizeof scripted, "scripted", init, on_burst, close };

}  // namespace

const struct portier_plugin* portier_plugin() { return &scripted; }
