/** More than 100 distributions with what they need: what trees and times are compared with. */
export const bigSet =
  'numpy pandas scipy scikit-learn matplotlib django sqlalchemy boto3 jupyterlab sphinx pip'.split(' ');
