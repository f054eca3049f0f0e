# A base with the layout of the official slim Airflow image, for where that cannot be pulled: Airflow in a virtual
# environment at /home/airflow/.local without byte code, user 50000 of group 0, its own pip that refuses root, a setuid
# program, its environment and entrypoint. Python is the base's own, below the official image's path.
ARG BASE_IMAGE
# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
ARG AIRFLOW_VERSION
ENV LANG=C.UTF-8 \
    PIP_CACHE_DIR=/tmp/.cache/pip \
    GUNICORN_CMD_ARGS="--worker-tmp-dir /dev/shm" \
    AIRFLOW_INSTALLATION_METHOD=apache-airflow
# What is in single quotes is for the scripts.
# hadolint ignore=SC2016
RUN mkdir -p /usr/python/bin /usr/guard/bin /opt/airflow/dags /opt/airflow/logs \
    && ln -s "$(command -v python3)" /usr/python/bin/python3 \
    && ln -s python3 /usr/python/bin/python \
    && printf '%s\n' '#!/bin/sh' 'if [ "$(id -u)" = 0 ]; then echo "Not as root." >&2; exit 1; fi' \
        'exec /home/airflow/.local/bin/pip "$@"' >/usr/guard/bin/pip \
    && printf '%s\n' '#!/bin/sh' 'shift' 'exec "$@"' >/usr/bin/dumb-init \
    && printf '%s\n' '#!/bin/sh' 'exec airflow "$@"' >/entrypoint \
    && cp /bin/true /usr/bin/sudo \
    && chmod 4755 /usr/bin/sudo \
    && chmod 755 /usr/guard/bin/pip /usr/bin/dumb-init /entrypoint \
    && echo 'airflow:x:50000:0:First Last:/home/airflow:/bin/bash' >>/etc/passwd \
    && chmod g=u /etc/passwd \
    && mkdir -p /home/airflow \
    && chown -R 50000:0 /home/airflow /opt/airflow \
    && chmod -R g+rw /home/airflow /opt/airflow
USER 50000
COPY constraints.txt /home/airflow/constraints.txt
RUN --mount=type=secret,id=ca_bundle,mode=0444 \
    --mount=type=secret,id=pip_config,mode=0444 \
    if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && if [ -s /run/secrets/pip_config ]; then export PIP_CONFIG_FILE=/run/secrets/pip_config; fi \
    && export PIP_DISABLE_PIP_VERSION_CHECK=1 \
    && /usr/python/bin/python3 -m venv /home/airflow/.local \
    && /home/airflow/.local/bin/pip install --no-cache-dir --no-compile \
        "apache-airflow==${AIRFLOW_VERSION}" -c /home/airflow/constraints.txt \
    && find /home/airflow/.local -type d -name __pycache__ -exec rm -rf {} + \
    && chmod -R g+rw /home/airflow/.local
ENV PATH=/usr/guard/bin:/home/airflow/.local/bin:/usr/python/bin:${PATH} \
    VIRTUAL_ENV=/home/airflow/.local \
    AIRFLOW_UID=50000 \
    AIRFLOW_USER_HOME_DIR=/home/airflow \
    AIRFLOW_HOME=/opt/airflow \
    DUMB_INIT_SETSID=1 \
    AIRFLOW_VERSION=${AIRFLOW_VERSION} \
    AIRFLOW__CORE__LOAD_EXAMPLES=false
WORKDIR /opt/airflow
EXPOSE 8080
LABEL org.apache.airflow.component="airflow" \
      org.opencontainers.image.version="${AIRFLOW_VERSION}"
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]
CMD []
