#include "peer/signaling.h"

enum {
	STABLE = WLK_SIGNALING_STABLE,
	HAVE_LOCAL_OFFER = WLK_SIGNALING_HAVE_LOCAL_OFFER,
	HAVE_REMOTE_OFFER = WLK_SIGNALING_HAVE_REMOTE_OFFER,
	HAVE_LOCAL_PRANSWER = WLK_SIGNALING_HAVE_LOCAL_PRANSWER,
	HAVE_REMOTE_PRANSWER = WLK_SIGNALING_HAVE_REMOTE_PRANSWER,

	LOCAL = SIGNALING_LOCAL,
	REMOTE = SIGNALING_REMOTE,

	OFFER = WLK_SDP_OFFER,
	PRANSWER = WLK_SDP_PRANSWER,
	ANSWER = WLK_SDP_ANSWER,
	ROLLBACK = WLK_SDP_ROLLBACK,
};

/* RFC 9429 3.2. Not listed: WLK_ERR_STATE. */
static const struct {
	uint8_t from, side, type, to;
} edges[] = {
	/* from                 side    type      to                   */
	{ STABLE,               LOCAL,  OFFER,    HAVE_LOCAL_OFFER     },
	{ STABLE,               REMOTE, OFFER,    HAVE_REMOTE_OFFER    },
	{ HAVE_LOCAL_OFFER,     LOCAL,  OFFER,    HAVE_LOCAL_OFFER     },
	{ HAVE_LOCAL_OFFER,     REMOTE, ANSWER,   STABLE               },
	{ HAVE_LOCAL_OFFER,     REMOTE, PRANSWER, HAVE_REMOTE_PRANSWER },
	{ HAVE_LOCAL_OFFER,     LOCAL,  ROLLBACK, STABLE               },
	{ HAVE_REMOTE_OFFER,    REMOTE, OFFER,    HAVE_REMOTE_OFFER    },
	{ HAVE_REMOTE_OFFER,    LOCAL,  ANSWER,   STABLE               },
	{ HAVE_REMOTE_OFFER,    LOCAL,  PRANSWER, HAVE_LOCAL_PRANSWER  },
	{ HAVE_REMOTE_OFFER,    REMOTE, ROLLBACK, STABLE               },
	{ HAVE_LOCAL_PRANSWER,  LOCAL,  PRANSWER, HAVE_LOCAL_PRANSWER  },
	{ HAVE_LOCAL_PRANSWER,  LOCAL,  ANSWER,   STABLE               },
	{ HAVE_REMOTE_PRANSWER, REMOTE, PRANSWER, HAVE_REMOTE_PRANSWER },
	{ HAVE_REMOTE_PRANSWER, REMOTE, ANSWER,   STABLE               },
};

wlk_err signaling_next(wlk_signaling_state from, enum signaling_side side, wlk_sdp_type type, wlk_signaling_state *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		if (edges[i].from == from && edges[i].side == side && edges[i].type == type) {
			*to = (wlk_signaling_state)edges[i].to;
			return WLK_OK;
		}
	}
	return WLK_ERR_STATE;
}
