"""SageMaker: training jobs, the model registry, models and endpoints, which the emulator has none of."""
