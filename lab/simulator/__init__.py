"""A provider to talk to: speaks Twilio's dialect over HTTP, misbehaves when asked to, remembers what it was sent.

Asked for by configuration (shares of messages), or by the last four digits of the number:

| digits | behaviour |
|---|---|
| 0190 | 500 without a word of Twilio's |
| 0191 | 429 with Retry-After: 1, once per message |
| 0192 | never answers |
| 0193 | takes the message, then closes without an answer |
| 0194 | takes the message, then answers byte by byte for ever |
| 0195 | takes the message, answers 201 with something that is not JSON |
| 0196 | takes the message, answer is cut short |
| 0197 | takes the message, answers with more than a megabyte |
| 0198 | 307 to another path of its own, which nobody must follow |
| 0180 | 400, 21211: not a valid number |
| 0181 | 400, 21610: opted out |
| 0182 | 400, 21999: a code that nobody knows |
| 0183 | 503, 20503, Twilio's own shape |
| 0184 | 502 with a page of HTML |
| 0185 | 401, 20003: credentials |
| 0170 | accepted; receipt: undelivered, 30003 |
| 0171 | accepted; receipt: failed, 30008 (which may have been delivered) |
| 0172 | accepted; receipt before the answer |
| 0173 | accepted; receipts doubled |
| 0174 | accepted; receipts in the wrong order |
| 0175 | accepted; receipt with a forged signature, then the right one |
"""
