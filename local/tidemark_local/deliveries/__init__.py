"""What AWS services deliver on their own: who is asked before, how one attempt is made, and how often.

The emulator delivers without asking a policy, a role or a key, once, and forgets what failed. The plug-ins of the
services that deliver (alarms, rules, schedules, topics, HTTP APIs, asynchronous invocations) share what stands here.
"""
