# docker build -t polax .                                     on CPUs
# docker build -t polax-cuda --build-arg JAX=jax[cuda12] .    on NVIDIA GPUs, with: docker run --gpus all
# docker run --rm -v "$PWD/runs:/home/polax/runs" polax train loqa IPD-v0 --preset laptop
FROM python:3.11-slim
ARG JAX=jax
RUN useradd --create-home polax
COPY . /tmp/polax
RUN pip install --no-cache-dir -c /tmp/polax/constraints.txt "$JAX" /tmp/polax && rm -r /tmp/polax
USER polax
WORKDIR /home/polax
ENTRYPOINT ["polax"]
