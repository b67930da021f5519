#include "plugin/c/listener.h"

namespace strop {

Listener ListenerOf(const strop_listener* listener) {
  Listener heard;
  if (listener == nullptr) return heard;
  void* const context = listener->context;
  if (listener->note != nullptr) {
    heard.note = [note = listener->note, context](const std::string& line) {
      note(context, line.c_str());
    };
    heard.status = heard.note;
  }
  if (listener->warning != nullptr) {
    heard.warning = [warning = listener->warning, context](const std::string& line) {
      warning(context, line.c_str());
    };
  }
  if (listener->progress != nullptr) {
    heard.progress = [progress = listener->progress, context](const std::string& work, int64_t done,
                                                              int64_t total) {
      progress(context, work.c_str(), done, total);
    };
  }
  return heard;
}

}  // namespace strop
