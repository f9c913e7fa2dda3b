"""What there is to look at of a run.

figures              a grid of images, or a plot of points
curves               losses and monitors over steps, likelihood over sigma
paper_figures        `--mode=figures`: Figures 1 to 3 of the 2014 paper,
and by what a run is:
density_figure       Figure 1, a game on the line
conditional_figures  what it makes of each class, or of what a mask hides
inference_figure     test images and their reconstructions
report               all of it on one page
"""
