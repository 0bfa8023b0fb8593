#include "player_format.h"

int main(void) { return 0; }
