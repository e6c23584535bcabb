"""The local cloud: MiniStack with the plug-ins that make the deployed app behave as it does on AWS."""
