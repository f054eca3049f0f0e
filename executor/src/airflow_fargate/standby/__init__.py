"""Standby containers: started before there is a task, so that a task need not wait for a start.

Importing this package loads nothing: a container imports :mod:`airflow_fargate.standby.protocol` from it.
"""
