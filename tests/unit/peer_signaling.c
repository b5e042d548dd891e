/* The signalling table against one written by hand from RFC 9429 3.2 and W3C webrtc-pc 4.3.1: every state, side and type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "peer/signaling.h"

enum { NO = -1, STABLE = 0, L_OFFER = 1, R_OFFER = 2, L_PR = 3, R_PR = 4 };

/* [state][side][type]: columns offer, pranswer, answer, rollback */
static const int expected[6][2][4] = {
	/* stable               */ { { L_OFFER, NO, NO, NO }, { R_OFFER, NO, NO, NO } },
	/* have-local-offer     */ { { L_OFFER, NO, NO, STABLE }, { NO, R_PR, STABLE, NO } },
	/* have-remote-offer    */ { { NO, L_PR, STABLE, NO }, { R_OFFER, NO, NO, STABLE } },
	/* have-local-pranswer  */ { { NO, L_PR, STABLE, NO }, { NO, NO, NO, NO } },
	/* have-remote-pranswer */ { { NO, NO, NO, NO }, { NO, R_PR, STABLE, NO } },
	/* closed               */ { { NO, NO, NO, NO }, { NO, NO, NO, NO } },
};

static void test_R34_every_state_side_and_type(void **state)
{
	(void)state;
	for (int from = 0; from < 6; from++) {
		for (int side = 0; side < 2; side++) {
			for (int type = 0; type < 4; type++) {
				wlk_signaling_state to = (wlk_signaling_state)99;
				wlk_err err = signaling_next((wlk_signaling_state)from, (enum signaling_side)side,
							     (wlk_sdp_type)(type + 1), &to);

				if (expected[from][side][type] == NO) {
					assert_int_equal(err, WLK_ERR_STATE);
					assert_int_equal(to, 99);
				} else {
					assert_int_equal(err, WLK_OK);
					assert_int_equal(to, expected[from][side][type]);
				}
			}
		}
	}
}

static void test_unknown_types_are_refused(void **state)
{
	wlk_signaling_state to;

	(void)state;
	assert_int_equal(signaling_next(WLK_SIGNALING_STABLE, SIGNALING_LOCAL, (wlk_sdp_type)0, &to), WLK_ERR_STATE);
	assert_int_equal(signaling_next(WLK_SIGNALING_STABLE, SIGNALING_LOCAL, (wlk_sdp_type)5, &to), WLK_ERR_STATE);
	assert_int_equal(signaling_next(WLK_SIGNALING_STABLE, SIGNALING_LOCAL, (wlk_sdp_type)(256 + WLK_SDP_OFFER), &to), WLK_ERR_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R34_every_state_side_and_type),
		cmocka_unit_test(test_unknown_types_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
