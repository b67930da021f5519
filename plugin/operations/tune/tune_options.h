#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/options/table/option_set.h"
#include "plugin/options/train_arguments.h"

namespace strop {

// `strop tune` as typed.
struct TuneOptions {
  std::string model;
  std::string output;
  std::vector<std::string> search;
  std::string search_space;  // a TOML file
  std::string strategy = "random";
  int64_t trials = 20;
  int64_t jobs = 0;     // 0: one per core
  int64_t threads = 0;  // a trial; 0: its share of the cores
  std::string objective;
  int64_t min_epochs = 1;
  int64_t reduction_factor = 3;
  uint64_t seed = 0;
  std::string directory;
  bool resume = false;
  bool monitor = false;
  bool dry_run = false;
  std::string page;
  TrainOptions trial;  // options that are passed on, and who is told
  // The `strop` that trains; empty: the one on PATH.
  std::string program;
};

// The model, what is searched and how, where the study is kept, and the options of all trials.
void AddTuneOptions(OptionSet& set, TuneOptions& options);

}  // namespace strop
