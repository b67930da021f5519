# Everything Strop stands on. scripts/setup brings all of it.

find_package(absl REQUIRED)
add_library(strop_abseil INTERFACE)
target_link_libraries(strop_abseil INTERFACE
  absl::status absl::statusor absl::strings absl::str_format absl::span absl::inlined_vector
  absl::flat_hash_map absl::flat_hash_set)

# oneDNN 2.6 or 3.x. Its own CMake package is passed over: Debian's asks for OpenCL, which nothing
# here uses. DNNL_ROOT names another installation.
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp HINTS ${DNNL_ROOT} PATH_SUFFIXES include REQUIRED)
find_library(DNNL_LIBRARY dnnl HINTS ${DNNL_ROOT} PATH_SUFFIXES lib REQUIRED)
add_library(strop_onednn INTERFACE)
target_include_directories(strop_onednn SYSTEM INTERFACE "${DNNL_INCLUDE_DIR}")
target_link_libraries(strop_onednn INTERFACE "${DNNL_LIBRARY}")

find_package(OpenMP REQUIRED)
find_package(hwy CONFIG REQUIRED)

# Data formats. Debian's libzip package names tools that it does not install: found by hand.
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF REQUIRED)
find_package(GIF REQUIRED)
find_path(WEBP_INCLUDE_DIR webp/decode.h REQUIRED)
find_library(WEBP_LIBRARY webp REQUIRED)
find_path(ZIP_INCLUDE_DIR zip.h REQUIRED)
find_library(ZIP_LIBRARY zip REQUIRED)
find_path(FAST_FLOAT_INCLUDE_DIR fast_float/fast_float.h REQUIRED)
add_library(strop_data_formats INTERFACE)
target_include_directories(strop_data_formats SYSTEM INTERFACE
  "${ZIP_INCLUDE_DIR}" "${WEBP_INCLUDE_DIR}" "${FAST_FLOAT_INCLUDE_DIR}")
target_link_libraries(strop_data_formats INTERFACE
  "${ZIP_LIBRARY}" "${WEBP_LIBRARY}" ZLIB::ZLIB JPEG::JPEG PNG::PNG TIFF::TIFF GIF::GIF)

# ONNX Runtime's adapter files. The compiler and the header alone: nothing is linked.
find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)
find_program(FLATC_PROGRAM flatc REQUIRED)

# Checksums of TensorBoard's event files.
find_path(ISAL_INCLUDE_DIR isa-l/crc.h REQUIRED)
find_library(ISAL_LIBRARY isal REQUIRED)
add_library(strop_isal INTERFACE)
target_include_directories(strop_isal SYSTEM INTERFACE "${ISAL_INCLUDE_DIR}")
target_link_libraries(strop_isal INTERFACE "${ISAL_LIBRARY}")

# Checksums of checkpoints.
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(strop_xxhash INTERFACE)
target_include_directories(strop_xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
target_link_libraries(strop_xxhash INTERFACE "${XXHASH_LIBRARY}")

find_package(Eigen3 CONFIG REQUIRED)  # eigenvalues of a training's path
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(tomlplusplus CONFIG REQUIRED)
find_package(Threads REQUIRED)

# ONNX's own C++ library lies where scripts/setup builds it, unless CMAKE_PREFIX_PATH says otherwise.
if(DEFINED ENV{STROP_CACHE_DIR})
  set(strop_default_cache "$ENV{STROP_CACHE_DIR}")
else()
  set(strop_default_cache "$ENV{HOME}/.cache/strop")
endif()
set(STROP_CACHE_DIR "${strop_default_cache}" CACHE PATH "Where what is built once is kept")
find_package(Protobuf REQUIRED)
find_package(ONNX 1.23.2 CONFIG REQUIRED HINTS "${STROP_CACHE_DIR}/onnx-1.23.2")

# Plotly (MIT) draws the charts of the pages that Strop writes, and is part of every such page.
find_file(PLOTLY_SCRIPT plotly.min.js HINTS "${STROP_CACHE_DIR}/plotly-6.9.0" REQUIRED)
find_file(PLOTLY_LICENSE LICENSE.txt HINTS "${STROP_CACHE_DIR}/plotly-6.9.0"
  NO_DEFAULT_PATH REQUIRED)
