# Container of biasaudit: a BIDS App, and `biasaudit` and `dask` for all else (docs/cluster.md).
#
#   python -m build --wheel && docker build -t biasaudit:0.1.0 .       the wheel of this checkout
#   docker build --build-arg BIASAUDIT=biasaudit==0.1.0 -t ... .       the published one
#
# PyTorch from the lock file computes on GPUs and on processors. Without a GPU, give the index of its wheels for
# processors alone, which make the image gigabytes smaller: --build-arg TORCH_INDEX=URL
ARG PYTHON=3.12
FROM python:${PYTHON}-slim
ARG BIASAUDIT=""
ARG TORCH_INDEX=""
COPY requirements.lock constraints.txt dist/*.wh[l] /build/
RUN set -eu; cd /build; \
    if [ -n "$TORCH_INDEX" ]; then \
        pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' constraints.txt)"; \
        pip install --no-cache-dir -c constraints.txt "${BIASAUDIT:-$(ls *.whl)}" cryptography dask dask-jobqueue distributed pycombat pydicom; \
    else \
        pip install --no-cache-dir --require-hashes -r requirements.lock; \
        pip install --no-cache-dir --no-deps "${BIASAUDIT:-$(ls *.whl)}"; \
    fi; \
    rm -rf /build; useradd --create-home auditor
ENV OMP_NUM_THREADS=1 PYTHONUTF8=1
USER auditor
WORKDIR /home/auditor
ENTRYPOINT ["biasaudit-app"]
CMD ["--help"]
