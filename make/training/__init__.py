"""How the weights of the router and of the judge were trained, and how they are measured.

Needs numpy and, to ask the model, llama-cpp-python: no part of set-up and none of the product.
"""
