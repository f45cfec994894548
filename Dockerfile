FROM python:3.11-slim
# OpenMP, which LightGBM and implicit call and the slim image lacks.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The CPU build of torch, where the usual index would bring gigabytes for GPUs.
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    -c constraints.txt ".[serve]"
RUN useradd --create-home foretaste
USER foretaste
WORKDIR /home/foretaste
EXPOSE 8080
ENTRYPOINT ["foretaste"]
CMD ["--help"]
