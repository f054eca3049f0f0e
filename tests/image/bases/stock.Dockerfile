# The stock way on the same base, for the figures: Airflow and its amazon provider by pip, as their documentation says.
ARG BASE_IMAGE
# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
ARG AIRFLOW_VERSION
ARG VENV=/opt/stock
# hadolint ignore=DL3013
RUN --mount=type=secret,id=ca_bundle,mode=0444 \
    --mount=type=secret,id=pip_config,mode=0444 \
    if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && if [ -s /run/secrets/pip_config ]; then export PIP_CONFIG_FILE=/run/secrets/pip_config; fi \
    && export PIP_DISABLE_PIP_VERSION_CHECK=1 \
    && if [ ! -x "${VENV}/bin/pip" ]; then python3 -m venv "${VENV}"; fi \
    && "${VENV}/bin/pip" install --no-cache-dir \
        "apache-airflow==${AIRFLOW_VERSION}" apache-airflow-providers-amazon boto3
ENV PATH="${VENV}/bin:${PATH}"
