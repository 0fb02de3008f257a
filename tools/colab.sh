#!/usr/bin/env bash
# What a chapter's first cell does on Colab, and then every chapter at smoke scale.
# Torch, numpy and the widgets stay as the image has them.
set -euo pipefail
before=$(python -c 'import numpy, torch; print(numpy.__version__, torch.__version__)')
pip install --quiet jaxtyping pooch filelock safetensors
pip install --quiet --no-deps .
pip install --quiet nbval
after=$(python -c 'import numpy, torch; print(numpy.__version__, torch.__version__)')
test "$before" = "$after" || { echo "the set-up changed $before to $after"; exit 1; }
python -m pytest -c /dev/null --rootdir . --nbval-lax --nbval-cell-timeout 600 notebooks/[0-9][0-9]_*.ipynb
