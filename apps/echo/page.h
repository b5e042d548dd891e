/* The page of GET /, made from apps/web/echo.html by the build; ends with a NUL. */
#ifndef ECHO_PAGE_H
#define ECHO_PAGE_H

extern const unsigned char echo_page[];

#endif
