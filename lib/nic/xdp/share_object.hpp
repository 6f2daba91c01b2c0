/// The compiled XDP program as bytes of this one, so that running it needs neither a file nor a compiler.
#pragma once

#include <cstddef>
#include <span>

namespace portier::nic {

/// An ELF object for libbpf, made from share.bpf.c; written out by embed_object.py.
std::span<const std::byte> share_object();

}  // namespace portier::nic
