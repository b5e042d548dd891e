/* Candidates as the public API tells them, from what ICE knows. */
#ifndef PEER_CANDIDATE_INFO_H
#define PEER_CANDIDATE_INFO_H

#include <wirelark/transport.h>

#include "ice/candidate.h"

/* |line| with its texts; relay_protocol and url stay NULL. */
void candidate_info_fill(wlk_ice_candidate_info *out, const struct ice_candidate_line *line);

#endif
