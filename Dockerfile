# docker build -t polax .                                     on CPUs
# docker build -t polax-cuda --build-arg JAX=jax[cuda12] .    on NVIDIA GPUs, with: docker run --gpus all
# mkdir -p runs && docker run --rm --user "$(id -u)" -v "$PWD/runs:/home/polax/runs" polax train loqa IPD-v0 --preset laptop
FROM python:3.11-slim
ARG JAX=jax
# A run in a mounted folder belongs to whom --user names, and this user needs a home to write to as well.
RUN useradd --create-home polax && chmod 777 /home/polax
ENV HOME=/home/polax
COPY . /tmp/polax
RUN pip install --no-cache-dir -c /tmp/polax/constraints.txt "$JAX" /tmp/polax && rm -r /tmp/polax
USER polax
WORKDIR /home/polax
ENTRYPOINT ["polax"]
