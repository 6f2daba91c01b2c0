/// The program's headers, read as far as need be.
#include "elf_check.hpp"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace portier::app {

std::string why_not_preloadable(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return {};
  const bool has_other_rights = ((about.st_mode & S_ISUID) != 0 && about.st_uid != geteuid()) ||
                                ((about.st_mode & S_ISGID) != 0 && about.st_gid != getegid());
  if (has_other_rights) {
    return "it is set-user-ID or set-group-ID, and such programs ignore LD_PRELOAD; run it as the user it would become";
  }
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr head{};
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return {};
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != EM_X86_64) {
    return "it is built for another machine than x86-64";
  }
  for (unsigned i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.seekg(static_cast<std::streamoff>(head.e_phoff + std::uint64_t{i} * head.e_phentsize));
    if (!file.read(reinterpret_cast<char*>(&part), sizeof part)) return {};
    if (part.p_type == PT_INTERP) return {};
  }
  return "it is statically linked, and such programs ignore LD_PRELOAD; install a dynamically linked build";
}

}  // namespace portier::app
