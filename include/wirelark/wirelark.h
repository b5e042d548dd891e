/** Wirelark: a full WebRTC peer stack in C. This header includes all the others. */
#ifndef WIRELARK_WIRELARK_H
#define WIRELARK_WIRELARK_H

#include <wirelark/certificate.h>
#include <wirelark/codec.h>
#include <wirelark/data_channel.h>
#include <wirelark/direct.h>
#include <wirelark/drive.h>
#include <wirelark/dtls.h>
#include <wirelark/error.h>
#include <wirelark/ice.h>
#include <wirelark/log.h>
#include <wirelark/loop.h>
#include <wirelark/media.h>
#include <wirelark/peer_connection.h>
#include <wirelark/record.h>
#include <wirelark/sctp.h>
#include <wirelark/sdp.h>
#include <wirelark/srtp.h>
#include <wirelark/stats.h>
#include <wirelark/track.h>
#include <wirelark/transceiver.h>
#include <wirelark/transport.h>
#include <wirelark/types.h>
#include <wirelark/version.h>

#endif
