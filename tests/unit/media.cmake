wlk_unit_test(media_engine_pair SOURCES unit/media_engine_pair.c MODULES media core)
