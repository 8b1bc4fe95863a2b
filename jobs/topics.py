"""The Kafka topics of a pipeline: created before it starts, because a sink that finds none keeps a job from running.

A pipeline is submitted from wherever Flink's client runs, with no settings of ours: address and security of the
brokers are those its tables give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from jobs.errors import SubmitError

#: Partitions of a topic that is created here.
PARTITIONS = 2
#: A reject carries its record in base64, so its topic takes larger records than the one it comes from.
REJECT_BYTES = 16_777_216


def late_topic(pipeline: str, call: str) -> str:
    """The topic of rows that are late where the tables of a call meet: on time at their source, but not for all."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{pipeline}-{call}-late")


def create_missing(topics: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Create those of these topics that do not exist.

    Parameters
    ----------
    topics
        Options of the table of each topic.

    Returns
    -------
    list
        What was created.

    Raises
    ------
    SubmitError
        The brokers do not answer, or refuse.
    """
    by_broker: dict[tuple[tuple[str, Any], ...], dict[str, Mapping[str, str]]] = {}
    for topic, options in topics.items():
        by_broker.setdefault(tuple(sorted(client_options(options).items())), {})[topic] = options
    created: list[str] = []
    for client, wanted in by_broker.items():
        try:
            admin = KafkaAdminClient(**dict(client))
            try:
                missing = [topic for topic in wanted if topic not in set(admin.list_topics())]
                for topic in missing:
                    configs = {}
                    if wanted[topic].get("cutbank.refused") == "rejects":
                        configs["max.message.bytes"] = str(REJECT_BYTES)
                    try:
                        admin.create_topics([NewTopic(topic, PARTITIONS, -1, topic_configs=configs)])
                        created.append(topic)
                    except TopicAlreadyExistsError:
                        continue
            finally:
                admin.close()
        except KafkaError as error:
            servers = dict(client)["bootstrap_servers"]
            raise SubmitError(
                f"Kafka at {servers} does not let us create {', '.join(wanted)}: {error}; "
                "is it running (`cutbank status`), and is 'properties.bootstrap.servers' right?"
            ) from error
    return created


def client_options(options: Mapping[str, str]) -> dict[str, Any]:
    """What kafka-python needs to reach the brokers of a table, from the table's own ``properties.*``."""
    client: dict[str, Any] = {"bootstrap_servers": options.get("properties.bootstrap.servers", "")}
    protocol = options.get("properties.security.protocol")
    if protocol is not None:
        client["security_protocol"] = protocol
    mechanism = options.get("properties.sasl.mechanism")
    if mechanism is not None:
        client["sasl_mechanism"] = mechanism
        login = options.get("properties.sasl.jaas.config", "")
        for name in ("username", "password"):
            found = re.search(rf'{name}="([^"]*)"', login)
            if found is not None:
                client[f"sasl_plain_{name}"] = found[1]
    return client
