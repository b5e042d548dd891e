# cmake -DIN=page.html -DOUT=page.c -DNAME=echo_page -P EmbedText.cmake: a text file as a C array of bytes with a NUL behind them.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n\t" bytes "${bytes}")
file(WRITE "${OUT}" "/* Made from ${NAME}'s source by the build. */\nextern const unsigned char ${NAME}[];\nconst unsigned char ${NAME}[] = {\n\t${bytes}0x00\n};\n")
