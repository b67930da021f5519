/* models/data/digits.csv.gz, byte by byte. CMake gives the path. */

.section .rodata
.global strop_digits
.global strop_digits_end
.hidden strop_digits
.hidden strop_digits_end
strop_digits:
.incbin STROP_DIGITS
strop_digits_end:

.section .note.GNU-stack, "", %progbits
