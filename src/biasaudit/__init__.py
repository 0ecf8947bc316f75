"""Does a network discriminate pathology, or the signature of the dataset its images came from?"""
