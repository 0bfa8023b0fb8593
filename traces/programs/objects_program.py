"""A discrete-event simulation of queues, with objects that grow and die: objects_program.py EVENTS

Python keeps blocks up to 512 bytes in arenas of its own; PYTHONMALLOC=malloc shows them all.
"""

import heapq
import random
import sys


class Customer:
    def __init__(self, number, now):
        self.number = number
        self.history = [("arrived", now)]
        self.notes = {}

    def served(self, desk, now):
        self.history.append(("served by %s" % desk, now))
        self.notes[desk] = now


random.seed(4)
queue, waiting, total = [], {n: [] for n in range(20)}, 0
for n in range(200):
    heapq.heappush(queue, (random.random(), n, "arrive", Customer(n, 0.0)))
for n in range(200, int(sys.argv[1])):
    now, _, what, customer = heapq.heappop(queue)
    if what == "arrive":
        waiting[n % 20].append(customer)
        heapq.heappush(queue, (now + random.expovariate(2), n, "serve", customer))
    elif len(customer.history) > 12 or random.random() < 0.2:
        total += len(customer.history)
        waiting[customer.number % 20] = [c for c in waiting[customer.number % 20] if c is not customer][-30:]
        heapq.heappush(queue, (now, n, "arrive", Customer(n, now)))
    else:
        customer.served("desk-%d" % (n % 97), now)
        heapq.heappush(queue, (now + random.expovariate(1), n, "serve", customer))
