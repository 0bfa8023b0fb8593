# Counts words and word pairs, and rewrites lines: words.pl FILE
use strict;
my (%count, %pairs, @kept);
while (my $line = <>) {
  chomp $line;
  my @words = split / /, $line;
  for my $i (0 .. $#words) {
    $count{$words[$i]}++;
    push @{$pairs{$words[$i]}}, $words[$i - 1] if $i && @{$pairs{$words[$i]} || []} < 20;
  }
  (my $changed = $line) =~ s/([aeiou])([bcd])/<$1-$2>/g;
  push @kept, $changed if $. % 7 == 0;
  splice @kept, 0, 500 if @kept > 2000;
}
for my $word (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count) {
  printf "%s %d %s\n", $word, $count{$word}, join ',', sort @{$pairs{$word} || []};
}
