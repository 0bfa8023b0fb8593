# Words into dictionaries, lists and strings: lists.tcl FILE
set in [open [lindex $argv 0]]
array set seen {}
set groups [dict create]
while {[gets $in line] >= 0} {
  foreach word [split $line " "] {
    incr seen($word)
    if {$seen($word) % 3 == 0} { dict lappend groups [string length $word] $word$seen($word) }
  }
  if {[incr lines] % 50 == 0} {
    set text [join [lsort [lmap w [split $line] { string reverse $w }]] "-"]
    regsub -all {([aeiou])} $text {<\1>} text
    append all $text
    foreach key [dict keys $groups] {
      dict set groups $key [lrange [dict get $groups $key] end-200 end]
    }
  }
}
puts "[array size seen] [dict size $groups] [string length $all]"
