/* The files that pages are made of, byte by byte. CMake gives the paths. */

.macro embed name, path
  .global \name
  .global \name\()_end
  .hidden \name
  .hidden \name\()_end
  \name:
  .incbin "\path"
  \name\()_end:
.endm

.section .rodata
embed strop_page_style, STROP_PAGE_STYLE
embed strop_page_script, STROP_PAGE_SCRIPT
embed strop_plotly_script, STROP_PLOTLY_SCRIPT
embed strop_plotly_license, STROP_PLOTLY_LICENSE

.section .note.GNU-stack, "", %progbits
