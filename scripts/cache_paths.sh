# Where third-party things lie: outside the tree, named by version, shared by every clone.
# Source it for the variables, or run it with the name of one to print that.

cache_dir=${STROP_CACHE_DIR:-${HOME:?}/.cache/strop}
onnx_version=1.23.2
onnx_prefix=$cache_dir/onnx-$onnx_version
plotly_version=6.9.0
plotly_wheel_sha256=36bebe2f1bb13884774fe61689c329071446f6ce4a8927fb1f0d6fb24f581236
plotly_prefix=$cache_dir/plotly-$plotly_version

# One environment for each Python and each set of pinned packages.
environment_key() {
  { python3 -c 'import sys; print(sys.version_info[:3], sys.base_prefix)'; cat "$@"; } | sha256sum | cut -c1-12
}
requirements_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests" && pwd)
test_environment=$cache_dir/python-$(environment_key "$requirements_dir/requirements.txt")
torch_environment=$cache_dir/python-torch-$(environment_key "$requirements_dir"/requirements*.txt)
docs_requirements=$requirements_dir/../docs/requirements.txt
docs_environment=$cache_dir/python-docs-$(environment_key "$requirements_dir/requirements.txt" "$docs_requirements")
tensorboard_environment=$cache_dir/python-tensorboard-$(environment_key "$requirements_dir/monitor/requirements.txt")
neighbours_environment=$cache_dir/python-neighbours-$(environment_key \
  "$requirements_dir"/python/neighbours/{requirements.txt,package-lock.json})
text_environment=$cache_dir/python-text-$(environment_key \
  "$requirements_dir"/{requirements.txt,python/requirements_text.txt})
test_python=$test_environment/bin/python
docs_python=$docs_environment/bin/python
torch_python=$torch_environment/bin/python
tensorboard_python=$tensorboard_environment/bin/python
neighbours_python=$neighbours_environment/bin/python
text_python=$text_environment/bin/python

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  echo "${!1:?}"
fi
