"""The columns of a plan: a table of whole numbers with one row for each operation of a network.

Places are indices into one array of float32 that holds all that a training step reads and writes. -1 means: none.
"""

# What is called, as addresses of compiled functions; 0: nothing. WHOLE is 1 if it takes all blocks of a batch at once.
FORWARD, BACKWARD, BEGIN, END, WHOLE = range(5)
# Where things begin: input and output, their gradients, what the backward pass needs besides, room for anything.
X, Y, GX, GY, AUX, SCRATCH = range(5, 11)
# Shapes: channels, height and width of input and output, and of a convolution's output before its pool.
IN, HI, WI, OUT, HO, WO, HP, WP = range(11, 19)
# Of a convolution or pool: size, stride and padding, each down and across.
KH, KW, SH, SW, PH, PW = range(19, 25)
# Weights: of the layer and, in another order, of its tiles forwards and backwards; sums of gradients, lane by lane.
WEIGHT, BIAS, GWEIGHT, GBIAS, PACKED, TURNED, SUMS, BIASES, ZEROS, MEAN, VARIANCE = range(25, 36)
# Tiles: how many channels forwards, backwards, in gradients of weights; then their functions for 16 and 8 lanes.
TILE, TILE_BACK, GROUP = range(36, 39)
MANY16, MANY8, ONE16, ONE8, BACK16, BACK8, BACK_ONE16, BACK_ONE8, OUTER16, OUTER8 = range(39, 49)
FEATURES, VALUE, SECOND, BAND = range(49, 53)  # numbers for one image; real numbers of a layer are in the array
AFTER, BEFORE = range(53, 55)  # 1 for a linear layer that computes the ReLU after or before it, between two of them
OTHER, GOTHER = range(55, 57)  # the second input of a sum and its gradient; of a fork the gradient of its second user

COUNT = 57
PLAIN, MAX, RELU_MEAN, RELU_MAX = range(4)  # what comes in the same pass as a convolution
NOTES = 2  # places that a pool's notes for one window take: noting.py
