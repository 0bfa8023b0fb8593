# Counts words by length and keeps the last line of each: awk -f words.awk FILE
{
  for (i = 1; i <= NF; i++) {
    count[$i]++
    last[$i] = substr($0, 1, 40) " " NR
    if (count[$i] % 50 == 0) delete last[$i]
  }
  text = tolower($0); gsub(/[aeiou]/, "&&", text); kept[NR % 500] = text
}
END { for (word in count) print word, count[word], last[word] }
