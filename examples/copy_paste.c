/*
 * A chat between two terminals over a data channel; the signalling is copy and paste: copy_paste offer | copy_paste answer
 *
 * The one that offers prints a description and a line with only a dot; paste both into the other one, and its answer back. From
 * then on each line that is typed is said to the far end. What is to be pasted goes to standard output, all else to standard error.
 * With a text as second argument it says that, waits for one line of the far end, and leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

struct chat {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *channel; /* NULL: not there yet */
	const char *text;          /* to be said once; NULL: lines of the keyboard */
	bool heard;
};

static void leave(void *user)
{
	wlk_loop_stop(((struct chat *)user)->loop);
}

static void say(struct chat *chat, const char *text)
{
	if (!chat->channel || wlk_data_channel_send(chat->channel, WLK_MESSAGE_TEXT, text, strlen(text)))
		fprintf(stderr, "not said: %s\n", wlk_last_error(chat->pc));
}

static void on_event(const wlk_event *ev, void *user)
{
	struct chat *chat = user;

	switch (ev->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			wlk_loop_stop(chat->loop); /* the description has all candidates in it: main() shows it */
		break;
	case WLK_EVENT_DATA_CHANNEL:
		chat->channel = ev->u.channel.channel;
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		fprintf(stderr, "connected\n");
		if (chat->text)
			say(chat, chat->text);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		fprintf(stderr, "> %.*s\n", (int)ev->u.message.size, (const char *)ev->u.message.data);
		chat->heard = true;
		if (chat->text) /* not at once: what we said has to arrive, too */
			wlk_loop_call_later(chat->loop, 500000, leave, chat, NULL);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (ev->u.connection.state < WLK_CONNECTION_FAILED)
			break;
		fprintf(stderr, "%s\n", ev->u.connection.reason);
		wlk_loop_stop(chat->loop);
		break;
	default:
		break;
	}
}

/* Show ours, which is gathered first. */
static bool give_description(struct chat *chat)
{
	if (wlk_peer_connection_set_local_description(chat->pc, NULL) || wlk_loop_run(chat->loop))
		return false;
	printf("%s.\n", wlk_peer_connection_local_description(chat->pc)->sdp);
	fflush(stdout);
	return true;
}

/* Read theirs, up to a line with only a dot. */
static bool take_description(struct chat *chat, wlk_sdp_type type)
{
	static char text[1 << 16];
	wlk_session_description remote = { type, text };
	size_t size = 0;

	while (size < sizeof(text) - 1 && fgets(text + size, (int)(sizeof(text) - size), stdin)) {
		if (!strcmp(text + size, ".\n")) {
			text[size] = '\0';
			break;
		}
		size += strlen(text + size);
	}
	if (!wlk_peer_connection_set_remote_description(chat->pc, &remote))
		return true;
	fprintf(stderr, "this is no %s: %s\n", wlk_sdp_type_name(type), wlk_last_error(chat->pc));
	return false;
}

/* What was typed, on its way to the loop's thread: only wlk_loop_post() leads there. */
struct line {
	struct chat *chat;
	char text[1024];
};

static void on_line(void *user)
{
	struct line *line = user;

	say(line->chat, line->text);
	free(line);
}

static void read_keyboard(struct chat *chat)
{
	struct line *line;

	while ((line = malloc(sizeof(*line))) && fgets(line->text, sizeof(line->text), stdin)) {
		line->chat = chat;
		line->text[strcspn(line->text, "\n")] = '\0';
		if (wlk_loop_post(chat->loop, on_line, line))
			break;
	}
	free(line);
}

int main(int argc, char **argv)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct chat chat = { .text = argc > 2 ? argv[2] : NULL };
	bool offers = argc > 1 && !strcmp(argv[1], "offer");

	if (argc < 2 || (!offers && strcmp(argv[1], "answer"))) {
		fprintf(stderr, "usage: %s offer|answer [TEXT]\n", argv[0]);
		return 2;
	}
	config.allow_loopback = true; /* between two terminals of a host without a network, too */
	if (wlk_loop_create(NULL, &chat.loop) || wlk_peer_connection_create(chat.loop, &config, on_event, &chat, &chat.pc))
		return 1;
	if (offers ? wlk_peer_connection_create_data_channel(chat.pc, "chat", NULL, &chat.channel) || !give_description(&chat) ||
			     !take_description(&chat, WLK_SDP_ANSWER)
		   : !take_description(&chat, WLK_SDP_OFFER) || !give_description(&chat))
		return 1;
	/* The connection lives on a thread of its own while this one waits for the keyboard. */
	if (chat.text ? wlk_loop_run(chat.loop) : wlk_loop_start_thread(chat.loop))
		return 1;
	if (!chat.text)
		read_keyboard(&chat);
	wlk_loop_destroy(chat.loop); /* ends its thread; the connection goes with it */
	return chat.text && !chat.heard;
}
