"""How fast the service answers, with server and client on the one machine.

The service is a process of its own (`foretaste serve`), with its store in SQLite on disk and the
whole pipeline in the way: live histories, the sequence model, rules about availability and price,
safety, a diversity stage, pages that are kept. Its model is trained for an epoch on a generated
shop, as only its shape matters here. Three kinds of load:

- closed: `wrk` with a few connections that each wait for their answer, for the highest rate;
- open: requests at a fixed rate, whether or not earlier ones are answered, timed from when they
  were due (so that a stall is not told as one slow answer);
- events: batches of 100 posted one after the other while lists are asked for.

The floors are measured in the same cell: an endpoint that does nothing, under the same server and
load, and the forward pass of the model alone. `effect` is the time from posting an event to the
first answer that counts it.
"""
