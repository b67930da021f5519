# Everything Strop stands on. scripts/setup brings all of it.

find_package(absl REQUIRED)
add_library(strop_abseil INTERFACE)
target_link_libraries(strop_abseil INTERFACE
  absl::status absl::statusor absl::strings absl::str_format absl::span absl::inlined_vector
  absl::flat_hash_map absl::flat_hash_set)

find_package(dnnl CONFIG REQUIRED)
find_package(OpenMP REQUIRED)
find_package(hwy CONFIG REQUIRED)
if(NOT TARGET hwy::hwy)
  add_library(hwy::hwy ALIAS hwy)
endif()
