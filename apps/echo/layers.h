/* Simulcast comes in as several layers; one of them goes back, as one decodable stream. Loop thread only. */
#ifndef ECHO_LAYERS_H
#define ECHO_LAYERS_H

#include <wirelark/wirelark.h>

/* Between a remote offer and our answer: answer its simulcast, if it has some. */
void layers_accept(wlk_peer_connection *pc);
/* After an agreement: sections with several layers are taken as frames, the others as packets. */
void layers_set_levels(wlk_peer_connection *pc);
/* WLK_EVENT_FRAME of such a section: sends the frame back if it is of the layer that goes back at the moment. */
void layers_on_frame(const wlk_event *event);
/* Before a connection is destroyed. */
void layers_forget(wlk_peer_connection *pc);

#endif
