#include "codec_support.h"

#include "media/codec/scalability.h"

static struct scalability mode(const char *name)
{
	struct scalability s;

	assert_true(scalability_parse(&s, name));
	return s;
}

static void test_modes_of_webrtc_svc_6(void **state)
{
	static const char *const none[] = { "L", "L0T1", "L4T1", "L1T4", "L1T1_KEY", "L1T2h", "S2T1", "L2T2_KEY_SHIFT", "L2T2 ", "l1t1" };
	struct scalability s = mode("L3T2h_KEY");

	(void)state;
	assert_true(s.spatial == 3 && s.temporal == 2 && s.by_three_halves && s.key_only);
	s = mode("L2T3");
	assert_true(s.spatial == 2 && s.temporal == 3 && !s.by_three_halves && !s.key_only);
	s = mode(NULL);
	assert_true(s.spatial == 1 && s.temporal == 1);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(scalability_parse(&s, none[i]));
}

static void test_sides_of_layers(void **state)
{
	struct scalability two = mode("L3T1"), three_halves = mode("L3T1h");

	(void)state;
	assert_int_equal(scalability_side(&two, 2, 1280), 1280);
	assert_int_equal(scalability_side(&two, 1, 1280), 640);
	assert_int_equal(scalability_side(&two, 0, 1280), 320);
	assert_int_equal(scalability_side(&three_halves, 0, 900), 400);
	assert_int_equal(scalability_side(&two, 0, 1), 1);
}

static void test_shares_add_up(void **state)
{
	static const char *const modes[] = { "L1T1", "L1T3", "L2T2", "L3T3" };
	static const uint64_t totals[] = { 0, 1, 99, 500000, 1234567, 50000000 };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct scalability s = mode(modes[m]);

		for (size_t t = 0; t < ARRAY_SIZE(totals); t++) {
			for (unsigned active = 1; active <= s.spatial; active++) {
				uint64_t out[SCALABILITY_SPATIAL_MAX][SCALABILITY_TEMPORAL_MAX], sum = 0, above = 0;

				scalability_divide(&s, active, totals[t], out);
				for (unsigned i = 0; i < SCALABILITY_SPATIAL_MAX; i++)
					for (unsigned k = 0; k < SCALABILITY_TEMPORAL_MAX; k++) {
						sum += out[i][k];
						above += i >= active || k >= s.temporal ? out[i][k] : 0;
					}
				assert_int_equal(sum, totals[t]);
				assert_int_equal(above, 0);
			}
		}
	}
}

/*
 * The pictures of a stream as a receiver of some layers sees them: whatever layers it leaves out, each frame it takes refers to
 * frames that it took, at the distance that is told.
 */
static void walk(const char *name, unsigned seed)
{
	struct scalability s = mode(name);
	struct scalability_state encoder = { 0 };
	struct { uint32_t picture; uint8_t spatial, temporal; } kept[SCALABILITY_SLOTS] = { 0 };

	for (uint32_t n = 1; n <= 200; n++) {
		struct scalability_picture plan;
		bool key = n == 1 || (seed && n % 50 == 0);
		unsigned active = seed ? 1 + (n / 13 + seed) % s.spatial : s.spatial;

		scalability_plan(&s, &encoder, key, active, &plan);
		assert_int_equal(plan.active, active);
		for (unsigned i = 0; i < active; i++) {
			const struct scalability_frame *f = &plan.frames[i];

			assert_true(key || f->previous >= 0 || f->below >= 0);
			if (key)
				assert_true(f->previous < 0 && plan.temporal == 0);
			if (f->previous >= 0) {
				assert_int_equal(kept[f->previous].spatial, i);
				assert_true(kept[f->previous].temporal <= plan.temporal);
				assert_true(!f->is_layer_sync || kept[f->previous].temporal == 0);
				assert_int_equal(scalability_distance(&encoder, f->previous), n - kept[f->previous].picture);
			}
			assert_true(f->below < 0 || i > 0);
			if (i > 0 && !s.key_only)
				assert_true(f->below >= 0);
			if (s.key_only && !key && i > 0 && f->previous >= 0)
				assert_true(f->below < 0);
			if (f->below >= 0) {
				assert_int_equal(kept[f->below].picture, n);
				assert_int_equal(kept[f->below].spatial, i - 1);
			}
			if (f->keep >= 0) {
				/* What is overwritten is nobody's reference any more: of the same layer, or never one. */
				kept[f->keep].picture = n;
				kept[f->keep].spatial = (uint8_t)i;
				kept[f->keep].temporal = plan.temporal;
			}
		}
		scalability_done(&s, &encoder, key, &plan, active);
	}
}

static void test_every_reference_is_there(void **state)
{
	static const char *const modes[] = { "L1T1", "L1T2", "L1T3", "L2T1", "L2T2", "L2T3", "L3T1", "L3T2", "L3T3", "L2T1_KEY", "L2T2_KEY",
					     "L2T3_KEY", "L3T1_KEY", "L3T2_KEY", "L3T3_KEY" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		for (unsigned seed = 0; seed < 4; seed++)
			walk(modes[i], seed);
}

static void test_three_temporal_layers_go_0_2_1_2(void **state)
{
	static const uint8_t expected[] = { 0, 2, 1, 2, 0, 2, 1, 2 };
	struct scalability s = mode("L1T3");
	struct scalability_state at = { 0 };
	struct scalability_picture plan;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		scalability_plan(&s, &at, i == 0, 1, &plan);
		assert_int_equal(plan.temporal, expected[i]);
		assert_int_equal(plan.frames[0].keep < 0, expected[i] == 2);
		assert_int_equal(plan.frames[0].is_layer_sync, i % 4 == 1 || i % 4 == 2);
		scalability_done(&s, &at, i == 0, &plan, 1);
	}
	/* A picture that was dropped is planned again; a key picture begins the pattern. */
	scalability_plan(&s, &at, false, 1, &plan);
	assert_int_equal(plan.temporal, 0);
	scalability_done(&s, &at, false, &plan, 1);
	scalability_plan(&s, &at, false, 1, &plan);
	scalability_done(&s, &at, false, &plan, 0);
	scalability_plan(&s, &at, false, 1, &plan);
	assert_int_equal(plan.temporal, 2);
	scalability_plan(&s, &at, true, 1, &plan);
	assert_true(plan.temporal == 0 && plan.frames[0].previous == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes_of_webrtc_svc_6),
		cmocka_unit_test(test_sides_of_layers),
		cmocka_unit_test(test_shares_add_up),
		cmocka_unit_test(test_every_reference_is_there),
		cmocka_unit_test(test_three_temporal_layers_go_0_2_1_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
