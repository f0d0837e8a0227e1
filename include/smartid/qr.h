/* qr.h: a text as a QR symbol: PNG, SVG and terminal text. Only place with
 * <qrencode.h>; libqrencode as Debian builds it is thread safe. Any thread. */
#ifndef SMARTID_QR_H
#define SMARTID_QR_H

#include "smartid/buf.h"
#include "smartid/err.h"

enum sid_qr_level { SID_QR_M, SID_QR_Q };

#define SID_QR_SCALE_MIN 1
#define SID_QR_SCALE_MAX 32
#define SID_QR_QUIET_MODULES 4 /* Source: ISO/IEC 18004 */

/* Alphanumeric mode, smallest version that fits, quiet zone of 4 modules, dark
 * on light. scale: pixels per module, 1..32. *out must be empty. The PNG is
 * 1-bit grey; the SVG has shape-rendering crispEdges. Errors: SID_E_ARGUMENT (a
 * character outside the alphanumeric set, too long, scale out of range),
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_qr_png(const char *text, enum sid_qr_level level,
                                     int scale, struct sid_buf *out);
SID_FALLIBLE enum sid_err sid_qr_svg(const char *text, enum sid_qr_level level,
                                     int scale, struct sid_buf *out);
/* Two modules per character cell (half blocks), with ANSI colours so that it is
 * dark on light in any terminal theme. */
SID_FALLIBLE enum sid_err
sid_qr_terminal(const char *text, enum sid_qr_level level, struct sid_buf *out);

#endif
