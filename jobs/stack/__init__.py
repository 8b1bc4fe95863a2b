"""The local stack without containers: a real Kafka broker and a real Flink cluster on this machine."""

from jobs.stack.stack import ComponentStatus, Stack, StackStatus

__all__ = ["ComponentStatus", "Stack", "StackStatus"]
