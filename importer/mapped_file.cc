#include "importer/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <vector>

#include "absl/strings/str_cat.h"

namespace strop {

// What the signal handler knows of a mapping. Regions are never freed, but used again; one whose
// file became shorter stays as it is from then on.
struct MappedRegion {
  std::atomic<uintptr_t> begin = 0;
  std::atomic<uintptr_t> end = 0;  // 0 while no file is mapped there
  std::atomic<bool> is_lost = false;
  std::string path;
  MappedRegion* next = nullptr;
};

namespace {

std::atomic<MappedRegion*> all_regions = nullptr;
std::atomic<MappedRegion*> first_lost_region = nullptr;
struct sigaction previous_action = {};

void OnBusError(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const int error = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  MappedRegion* region = all_regions;
  while (region != nullptr && (address < region->begin || address >= region->end)) {
    region = region->next;
  }
  bool is_mended = false;
  if (region != nullptr) {
    const uintptr_t page = address - address % static_cast<uintptr_t>(getpagesize());
    is_mended = mmap(reinterpret_cast<void*>(page), region->end - page, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }
  if (is_mended) {
    region->is_lost = true;
    MappedRegion* none = nullptr;
    first_lost_region.compare_exchange_strong(none, region);
  } else {
    sigaction(SIGBUS, &previous_action, nullptr);  // it comes again, to whoever was there before
  }
  errno = error;
}

void CatchBusErrors() {
  static const bool is_caught = [] {
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGBUS, &action, &previous_action) == 0;
  }();
  static_cast<void>(is_caught);
}

std::mutex free_regions_mutex;
std::vector<MappedRegion*>& FreeRegions() {
  static auto& regions = *new std::vector<MappedRegion*>;
  return regions;
}

MappedRegion* AddRegion(const void* data, size_t size, const std::string& path) {
  const std::lock_guard<std::mutex> lock(free_regions_mutex);
  MappedRegion* region = nullptr;
  if (FreeRegions().empty()) {
    region = new MappedRegion;
    region->next = all_regions;
    all_regions = region;
  } else {
    region = FreeRegions().back();
    FreeRegions().pop_back();
  }
  region->path = path;
  region->begin = reinterpret_cast<uintptr_t>(data);
  region->end = reinterpret_cast<uintptr_t>(data) + size;
  return region;
}

void RemoveRegion(MappedRegion* region) {
  region->end = 0;
  if (region->is_lost) return;
  const std::lock_guard<std::mutex> lock(free_regions_mutex);
  FreeRegions().push_back(region);
}

absl::Status Changed(const std::string& path) {
  return absl::DataLossError(absl::StrCat(
      "\"", path, "\" has changed since it was opened; leave it alone while it is in use"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Map(int descriptor,
                                                                  std::string path) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) {
    return absl::DataLossError(absl::StrCat("\"", path, "\": ", std::strerror(errno)));
  }
  std::shared_ptr<MappedFile> file(new MappedFile(std::move(path), FileStamp(status)));
  if (status.st_size == 0) return file;
  CatchBusErrors();
  const auto size = static_cast<size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapped == MAP_FAILED) {
    return absl::DataLossError(
        absl::StrCat("\"", file->path_, "\" cannot be mapped: ", std::strerror(errno)));
  }
  file->data_ = static_cast<const char*>(mapped);
  file->size_ = size;
  file->region_ = AddRegion(mapped, size, file->path_);
  return file;
}

MappedFile::~MappedFile() {
  if (region_ == nullptr) return;
  RemoveRegion(region_);
  munmap(const_cast<char*>(data_), size_);
}

bool MappedFile::IsAt(const std::string& path) const {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && FileStamp(status).IsSameFile(stamp_);
}

absl::Status MappedFile::CheckUnchanged() const {
  struct stat status = {};
  const bool is_there = stat(path_.c_str(), &status) == 0;
  const FileStamp now(status);
  const bool is_written_to = is_there && now.IsSameFile(stamp_) && now != stamp_;
  if (is_written_to || (region_ != nullptr && region_->is_lost)) return Changed(path_);
  return absl::OkStatus();
}

absl::Status CheckMappedFiles() {
  const MappedRegion* lost = first_lost_region;
  return lost == nullptr ? absl::OkStatus() : Changed(lost->path);
}

}  // namespace strop
