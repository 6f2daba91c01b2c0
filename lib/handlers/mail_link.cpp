/// memfd, seals, eventfd.
#include "handlers/mail_link.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace portier::handlers {

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void close_if_open(int fd) {
  if (fd >= 0) ::close(fd);
}

/// Closes what has been opened when a later step fails.
class Descriptor {
 public:
  Descriptor(int fd, const char* what) : fd_(fd) {
    if (fd < 0) fail(what);
  }
  ~Descriptor() { close_if_open(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace

MailLink::MailLink(const crosscore::MailShape& shape, std::uint64_t tsc_hz) : shape_(shape) {
  Descriptor region(memfd_create("portier-mailbox", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memory of a mailbox");
  const auto bytes = shape.region_bytes();
  if (ftruncate(region.get(), static_cast<off_t>(bytes)) != 0) fail("memory of a mailbox");
  if (fcntl(region.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("seals of a mailbox");
  Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "event of a mailbox");
  // Pages are there before the first packet is.
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, region.get(), 0);
  if (at == MAP_FAILED) fail("memory of a mailbox");
  region_ = static_cast<std::uint8_t*>(at);
  auto* head = new (region_) crosscore::MailHead{};
  head->magic = crosscore::mail_magic;
  head->version = crosscore::mail_version;
  head->shape = shape;
  head->tsc_hz = tsc_hz;
  for (std::uint32_t core = 0; core < shape.cores; ++core) {
    const auto there = towards_process(region_, shape, core);
    const auto back = towards_router(region_, shape, core);
    new (there.positions) crosscore::MailPositions{};
    new (back.positions) crosscore::MailPositions{};
    ends_.push_back(std::make_unique<MailEnd>(there, back));
  }
  region_fd_ = region.release();
  event_fd_ = event.release();
}

MailLink::~MailLink() {
  if (region_ != nullptr) munmap(region_, shape_.region_bytes());
  close_if_open(region_fd_);
  close_if_open(event_fd_);
}

bool MailLink::sleeps() const {
  return reinterpret_cast<const crosscore::MailHead*>(region_)->sleeps.load(std::memory_order_acquire) != 0;
}

void MailLink::wake() const { eventfd_write(event_fd_, 1); }

bool MailLink::has_mail() const {
  for (std::uint32_t core = 0; core < shape_.cores; ++core) {
    const auto* positions = towards_process(region_, shape_, core).positions;
    if (positions->produced.load(std::memory_order_acquire) != positions->consumed.load(std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

std::uint64_t MailLink::progress() const {
  std::uint64_t sum = 0;
  for (std::uint32_t core = 0; core < shape_.cores; ++core) {
    sum += towards_process(region_, shape_, core).positions->consumed.load(std::memory_order_relaxed);
  }
  return sum;
}

bool MailLink::is_broken() const {
  for (const auto& end : ends_) {
    if (end->broken.value() != 0) return true;
  }
  return false;
}

}  // namespace portier::handlers
