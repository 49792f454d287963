/* Exchanges of MQTT-SN packets made by Eclipse Paho's MQTTSNPacket library with
 * a running gateway.
 *
 *     paho_sn_exchange HOST PORT
 *
 * The gateway must know the predefined topic id 7. Prints a line for each check;
 * the first that fails ends the run with a sentence and exit code 1.
 * scripts/check-mqttsn builds and runs it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "MQTTSNPacket.h"

enum { ROOM = 512, LONG_NAME = 300 };

static unsigned char buffer[ROOM];

static void fail(const char *sentence)
{
	fprintf(stderr, "%s\n", sentence);
	exit(1);
}

static void expect(int condition, const char *sentence)
{
	if (!condition)
		fail(sentence);
}

static int open_client(const char *host, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval patience = {.tv_sec = 10};
	int client = socket(AF_INET, SOCK_DGRAM, 0);
	expect(client >= 0 && inet_aton(host, &to.sin_addr), "no such address");
	expect(connect(client, (struct sockaddr *)&to, sizeof to) == 0, "cannot connect");
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return client;
}

static void say(int client, int length)
{
	expect(length > 0, "Paho cannot write the packet");
	expect(send(client, buffer, length, 0) == length, "cannot send");
}

/* The length of the next packet, which must be of this type. */
static int hear(int client, int type)
{
	int value, at;
	int length = recv(client, buffer, sizeof buffer, 0);
	expect(length > 0, "nothing comes");
	at = MQTTSNPacket_decode(buffer, length, &value);
	expect(at > 0 && value == length, "the length is wrong");
	if (buffer[at] != type) {
		fprintf(stderr, "%s in place of %s\n", MQTTSNPacket_name(buffer[at]),
			MQTTSNPacket_name(type));
		exit(1);
	}
	return length;
}

static void enter(int client, char *id, int has_will)
{
	MQTTSNPacket_connectData options = MQTTSNPacket_connectData_initializer;
	int code = -1;
	options.clientID.cstring = id;
	options.duration = 60;
	options.willFlag = has_will;
	say(client, MQTTSNSerialize_connect(buffer, ROOM, &options));
	if (has_will) {
		MQTTSNString topic = {.cstring = "paho/will"}, message = {.cstring = "gone"};
		hear(client, MQTTSN_WILLTOPICREQ);
		say(client, MQTTSNSerialize_willtopic(buffer, ROOM, 1, 0, topic));
		hear(client, MQTTSN_WILLMSGREQ);
		say(client, MQTTSNSerialize_willmsg(buffer, ROOM, message));
	}
	int length = hear(client, MQTTSN_CONNACK);
	expect(MQTTSNDeserialize_connack(&code, buffer, length) == 1 && code == 0,
	       "CONNACK refuses");
}

static unsigned short register_name(int client, char *name)
{
	MQTTSNString topic = {.cstring = name};
	unsigned short topic_id = 0, packet_id = 0;
	unsigned char code = 0xff;
	say(client, MQTTSNSerialize_register(buffer, ROOM, 0, 11, &topic));
	int length = hear(client, MQTTSN_REGACK);
	expect(MQTTSNDeserialize_regack(&topic_id, &packet_id, &code, buffer, length) == 1,
	       "Paho cannot read REGACK");
	expect(code == 0 && packet_id == 11 && topic_id > 0, "REGACK is wrong");
	return topic_id;
}

static void publish(int client, MQTTSN_topicid topic, int qos, unsigned short id, char *text)
{
	unsigned short topic_id = 0, packet_id = 0;
	unsigned char code = 0xff, type;
	say(client, MQTTSNSerialize_publish(buffer, ROOM, 0, qos, 0, id, topic,
					    (unsigned char *)text, strlen(text)));
	if (qos == 1) {
		int length = hear(client, MQTTSN_PUBACK);
		expect(MQTTSNDeserialize_puback(&topic_id, &packet_id, &code, buffer, length) == 1,
		       "Paho cannot read PUBACK");
		expect(code == 0 && packet_id == id, "PUBACK is wrong");
	} else if (qos == 2) {
		int length = hear(client, MQTTSN_PUBREC);
		expect(MQTTSNDeserialize_ack(&type, &packet_id, buffer, length) == 1 &&
			       packet_id == id, "PUBREC is wrong");
		say(client, MQTTSNSerialize_pubrel(buffer, ROOM, id));
		length = hear(client, MQTTSN_PUBCOMP);
		expect(MQTTSNDeserialize_ack(&type, &packet_id, buffer, length) == 1 &&
			       packet_id == id, "PUBCOMP is wrong");
	}
}

static unsigned short subscribe(int client, MQTTSN_topicid *topic)
{
	int qos = -1;
	unsigned short topic_id = 0, packet_id = 0;
	unsigned char code = 0xff;
	say(client, MQTTSNSerialize_subscribe(buffer, ROOM, 0, 2, 12, topic));
	int length = hear(client, MQTTSN_SUBACK);
	expect(MQTTSNDeserialize_suback(&qos, &topic_id, &packet_id, &code, buffer, length) == 1,
	       "Paho cannot read SUBACK");
	expect(code == 0 && packet_id == 12 && qos == 2, "SUBACK is wrong");
	return topic_id;
}

/* A message that must come, acknowledged as its QoS wants. */
static void take(int client, MQTTSN_topicid wanted, int qos, const char *text)
{
	unsigned char dup, retained, *payload;
	int got, size;
	unsigned short id;
	MQTTSN_topicid topic;
	int length = hear(client, MQTTSN_PUBLISH);
	expect(MQTTSNDeserialize_publish(&dup, &got, &retained, &id, &topic, &payload, &size,
					 buffer, length) == 1, "Paho cannot read PUBLISH");
	expect(topic.type == wanted.type, "another type of topic id");
	if (topic.type == MQTTSN_TOPIC_TYPE_SHORT)
		expect(memcmp(topic.data.short_name, wanted.data.short_name, 2) == 0, "another topic");
	else
		expect(topic.data.id == wanted.data.id, "another topic id");
	expect(got == qos && !dup, "another QoS");
	expect(size == (int)strlen(text) && memcmp(payload, text, size) == 0, "another payload");
	if (qos == 1) {
		say(client, MQTTSNSerialize_puback(buffer, ROOM, topic.data.id, id, 0));
	} else if (qos == 2) {
		say(client, MQTTSNSerialize_pubrec(buffer, ROOM, id));
		hear(client, MQTTSN_PUBREL);
		say(client, MQTTSNSerialize_pubcomp(buffer, ROOM, id));
	}
}

static MQTTSN_topicid named(char *name)
{
	MQTTSN_topicid topic = {.type = MQTTSN_TOPIC_TYPE_NORMAL};
	topic.data.long_.name = name;
	topic.data.long_.len = strlen(name);
	return topic;
}

static MQTTSN_topicid numbered(MQTTSN_topicTypes type, unsigned short id)
{
	MQTTSN_topicid topic = {.type = type};
	topic.data.id = id;
	return topic;
}

static void search(const char *host, int port)
{
	unsigned char id = 0, *address = NULL;
	unsigned short length_of_address = 0;
	int client = open_client(host, port);
	say(client, MQTTSNSerialize_searchgw(buffer, ROOM, 1));
	int length = hear(client, MQTTSN_GWINFO);
	expect(MQTTSNDeserialize_gwinfo(&id, &length_of_address, &address, buffer, length) == 1 &&
		       id == 1 && length_of_address == 0, "GWINFO is wrong");
	close(client);
	puts("a gateway is found");
}

static void levels(const char *host, int port)
{
	int sender = open_client(host, port), receiver = open_client(host, port);
	MQTTSN_topicid filter = named("paho/été");
	enter(sender, "paho-sender", 0);
	enter(receiver, "paho-receiver", 1);
	MQTTSN_topicid to = numbered(MQTTSN_TOPIC_TYPE_NORMAL, register_name(sender, "paho/été"));
	MQTTSN_topicid from = numbered(MQTTSN_TOPIC_TYPE_NORMAL, subscribe(receiver, &filter));
	for (int qos = 0; qos <= 2; qos++) {
		publish(sender, to, qos, qos ? 20 + qos : 0, "21.5");
		take(receiver, from, qos, "21.5");
	}
	say(receiver, MQTTSNSerialize_unsubscribe(buffer, ROOM, 13, &filter));
	hear(receiver, MQTTSN_UNSUBACK);
	say(receiver, MQTTSNSerialize_disconnect(buffer, ROOM, 0));
	hear(receiver, MQTTSN_DISCONNECT);
	close(sender);
	close(receiver);
	puts("messages at QoS 0, 1 and 2");
}

static void ids(const char *host, int port)
{
	int client = open_client(host, port), stranger = open_client(host, port);
	int sender = open_client(host, port);
	MQTTSN_topicid predefined = numbered(MQTTSN_TOPIC_TYPE_PREDEFINED, 7);
	MQTTSN_topicid brief = {.type = MQTTSN_TOPIC_TYPE_SHORT, .data.short_name = {'p', 's'}};
	enter(client, "paho-ids", 0);
	enter(sender, "paho-ids-sender", 0);
	subscribe(client, &predefined);
	subscribe(client, &brief);
	publish(sender, brief, 2, 31, "brief");
	take(client, brief, 2, "brief");
	/* 3 stands for −1 in the flags. */
	say(stranger, MQTTSNSerialize_publish(buffer, ROOM, 0, 3, 0, 0, predefined,
					      (unsigned char *)"on", 2));
	take(client, predefined, 0, "on");
	close(client);
	close(sender);
	close(stranger);
	puts("predefined and short topics, and a message at QoS -1");
}

static void sleeper(const char *host, int port)
{
	int sender = open_client(host, port), client = open_client(host, port);
	MQTTSN_topicid brief = {.type = MQTTSN_TOPIC_TYPE_SHORT, .data.short_name = {'p', 'z'}};
	MQTTSNString id = {.cstring = "paho-sleeper"}, nobody = MQTTSNString_initializer;
	enter(sender, "paho-waker", 0);
	enter(client, "paho-sleeper", 0);
	subscribe(client, &brief);
	say(client, MQTTSNSerialize_pingreq(buffer, ROOM, nobody));
	hear(client, MQTTSN_PINGRESP);
	say(client, MQTTSNSerialize_disconnect(buffer, ROOM, 300));
	hear(client, MQTTSN_DISCONNECT);
	publish(sender, brief, 2, 41, "while you slept");
	say(client, MQTTSNSerialize_pingreq(buffer, ROOM, id));
	take(client, brief, 2, "while you slept");
	hear(client, MQTTSN_PINGRESP);
	close(sender);
	close(client);
	puts("a client that sleeps");
}

static void long_packet(const char *host, int port)
{
	static char name[LONG_NAME + 1];
	int client = open_client(host, port);
	enter(client, "paho-long", 0);
	memset(name, 'x', LONG_NAME);
	memcpy(name, "paho/", 5);
	MQTTSN_topicid to = numbered(MQTTSN_TOPIC_TYPE_NORMAL, register_name(client, name));
	publish(client, to, 1, 51, "far");
	close(client);
	puts("a packet with a length of three bytes");
}

int main(int count, char **words)
{
	expect(count == 3, "usage: paho_sn_exchange HOST PORT");
	int port = atoi(words[2]);
	search(words[1], port);
	levels(words[1], port);
	ids(words[1], port);
	sleeper(words[1], port);
	long_packet(words[1], port);
	return 0;
}
