root = null
