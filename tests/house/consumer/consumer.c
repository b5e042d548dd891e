/* What a stranger's first program does: make a loop, a connection and an offer. */
#include <stdio.h>
#include <string.h>
#include <wirelark/wirelark.h>

static void on_event(const wlk_event *event, void *user)
{
	(void)event;
	(void)user;
}

int main(void)
{
	wlk_data_channel *channel;
	wlk_peer_connection *pc;
	const char *sdp = NULL;
	wlk_loop *loop;

	if (wlk_loop_create(NULL, &loop) || wlk_peer_connection_create(loop, NULL, on_event, NULL, &pc))
		return 1;
	if (wlk_peer_connection_create_data_channel(pc, "chat", NULL, &channel) || wlk_peer_connection_create_offer(pc, NULL, &sdp))
		return 1;
	printf("wirelark %s: %zu bytes of offer\n", wlk_version(), strlen(sdp));
	wlk_peer_connection_destroy(pc);
	wlk_loop_destroy(loop);
	return 0;
}
