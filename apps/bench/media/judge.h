/* What a call was like for who watched and listened, by its journal. */
#ifndef BENCH_MEDIA_JUDGE_H
#define BENCH_MEDIA_JUDGE_H

#include <stdbool.h>

/*
 * Prints one line of JSON: {"shown": [[ms, end-to-end delay in ms], ...], "quality": [[ms, PSNR, SSIM], ...],
 * "beeps": [[ms, end-to-end delay in ms], ...], "captured": pictures, "ms": how long it lasted}, times since the sound began.
 * Pictures that came smaller are compared as they are shown: in the size in which they were captured.
 */
bool judge_run(const char *content, const char *journal);

#endif
